// SPDX-License-Identifier: Apache-2.0

package machine

import (
	"fmt"
	"unsafe"

	"github.com/nsrun/nsrun/core/stage/program"
	"golang.org/x/sys/unix"
)

// ArenaSize is how much address space a program and what the child needs
// besides can take, in bytes. It costs nothing until it is written to.
const ArenaSize = 64 << 20

// The arena holds the control block, a stack for the child, a stack for the
// command of an init, and the image of the program.
const (
	stackSize   = 8192
	firstStack  = 4096
	secondStack = firstStack + stackSize
	imageOffset = secondStack + stackSize
)

// MaxImage is the size of the largest program, in bytes.
const MaxImage = ArenaSize - imageOffset

// control stands at the start of the arena. The front fills it in before the
// clone, and the child finds there what it may not keep in Go's heap.
type control struct {
	in      uintptr // the pipe that the program comes from
	out     uintptr // the pipe that reports go to
	keep    uintptr // a descriptor that the child keeps besides; 0 for none
	outlive bool    // the child doesn't die with the front
	unshare uintptr // the namespaces that the child makes itself; CLONE_NEW*
	mask    uint64  // the caller's signal mask
	trim    uintptr // the end of what an init needs; 0 to give nothing back
	legacy  bool    // cloned without clone3(2)
	next    uint64  // the instruction to begin with; 0 to receive the program first
	execErr uint64  // why no file could be executed yet
	word    uint64  // what Await reads
	command uintptr // the process that an init is there for
	clone   cloneArgs
	tls     [16]uint64 // stands in for a thread's own storage
	pidfd   int32
	action  sigaction
	poll    pollFd
	wstatus int32
	info    siginfo
	message messageHeader
	log     [LogSize]byte
}

// cloneArgs is struct clone_args of clone3(2), as far as it is used here.
type cloneArgs struct {
	flags, pidfd, childTID, parentTID, exitSignal, stack, stackSize, tls uint64
}

// sigaction is the kernel's struct sigaction, which libc's wraps; sigaction(2).
// Architectures without a restorer ignore the last word.
type sigaction struct {
	handler, flags, restorer, mask uint64
}

type pollFd struct {
	fd              int32
	events, revents int16
}

// siginfo is the start of siginfo_t, which has 128 bytes; sigaction(2).
type siginfo struct {
	signo, errno, code, _, pid int32
	_                          [27]int32
}

// newArena maps the memory that the front and the child both know the address
// of. Huge pages are kept out: to clear one would take longer than all else.
func newArena() (*control, error) {
	base, err := unix.MmapPtr(-1, 0, nil, ArenaSize, unix.PROT_READ|unix.PROT_WRITE,
		unix.MAP_PRIVATE|unix.MAP_ANONYMOUS|unix.MAP_NORESERVE)
	if err != nil {
		return nil, fmt.Errorf("map memory for the child: %w", err)
	}
	_, _, _ = unix.Syscall(unix.SYS_MADVISE, uintptr(base), ArenaSize, unix.MADV_NOHUGEPAGE)
	return (*control)(base), nil
}

func (c *control) free() { _ = unix.MunmapPtr(unsafe.Pointer(c), ArenaSize) }

// address returns where the arena starts.
//
//go:nosplit
//go:norace
func (c *control) address() uintptr { return uintptr(unsafe.Pointer(c)) }

// image returns where the program's image starts.
//
//go:nosplit
//go:norace
func (c *control) image() unsafe.Pointer { return unsafe.Add(unsafe.Pointer(c), imageOffset) }

// These don't compile unless the layout is as the child takes it to be.
var (
	_ [firstStack - unsafe.Sizeof(control{})]byte
	_ [unsafe.Sizeof(siginfo{}) - 128]byte
	_ [imageOffset - unsafe.Alignof(program.Header{})]byte

	// The log follows the header of the message at once: one write sends both.
	_ [unsafe.Offsetof(control{}.log) - unsafe.Offsetof(control{}.message) - unsafe.Sizeof(messageHeader{})]byte
	_ [unsafe.Offsetof(control{}.message) + unsafe.Sizeof(messageHeader{}) - unsafe.Offsetof(control{}.log)]byte
)
