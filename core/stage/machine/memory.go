// SPDX-License-Identifier: Apache-2.0

//go:build (amd64 || arm64) && !race

package machine

import (
	_ "unsafe" // for go:linkname

	"golang.org/x/sys/unix"
)

// The address space of a Go program that isn't position-independent: its own
// segments are far below this, the heap and all that is mapped later above.
const endOfProgram = 1 << 32

// stackGap is less than what the kernel keeps free below the stack of a new
// process; it maps nothing else there. See mmap_base in the kernel.
const stackGap = 64 << 20

// iscgo is whether this program is linked with a C library. It has then told the kernel
// of a place in each thread's memory, for rseq(2), which a child inherits with the
// registration and dies without.
//
//go:linkname iscgo runtime.iscgo
var iscgo bool

// hiddenMemory is memory that forks don't copy for the moment.
type hiddenMemory [2]span

// span is a part of the address space.
type span struct{ start, end uintptr }

// hideMemory keeps the front's heap, and whatever else the child doesn't need,
// out of forks; MADV_DONTFORK of madvise(2). What is left is the program's own
// segments, the arena, and the stack that the kernel made, below the vdso.
func (c *control) hideMemory() (h hiddenMemory) {
	stack := stackAddress()
	if iscgo || !fixedProgram() || stack == 0 {
		return h
	}
	c.trim = endOfProgram
	h[0] = span{endOfProgram, c.address()}
	h[1] = span{c.address() + ArenaSize, stack - stackGap}
	h.advise(unix.MADV_DONTFORK)
	return h
}

// show ends the effect of hideMemory on this process.
func (h hiddenMemory) show() { h.advise(unix.MADV_DOFORK) }

func (h hiddenMemory) advise(advice uintptr) {
	for _, s := range h {
		if s.end > s.start {
			// The answer is ENOMEM, since there are holes in between; the rest is done.
			_, _, _ = unix.RawSyscall(unix.SYS_MADVISE, s.start, s.end-s.start, advice)
		}
	}
}

// fixedProgram reports whether this program stands at the address that it was
// linked for.
func fixedProgram() bool { return programCounter() < endOfProgram }

// programCounter returns an address in this program's code.
func programCounter() uintptr

// stackAddress returns the page that the first stack of this process ends in,
// as far as its arguments tell, or 0.
func stackAddress() uintptr {
	const execfn = 31 // AT_EXECFN of getauxval(3): the program's name, on the stack
	vec, err := unix.Auxv()
	if err != nil {
		return 0
	}
	for _, entry := range vec {
		if entry[0] == execfn {
			return entry[1] &^ 4095
		}
	}
	return 0
}
