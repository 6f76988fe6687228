// SPDX-License-Identifier: Apache-2.0

// In the child.

package machine

import (
	"syscall"
	"unsafe"

	"github.com/nsrun/nsrun/core/stage/program"
	"golang.org/x/sys/unix"
)

// run carries out the program in the arena from the instruction pc on. A program
// that works ends in execve(2); run returns only at the end of one that lacks it.
//
//go:nosplit
//go:norace
func run(c *control, pc uint64) {
	h := (*program.Header)(c.image())
	for pc < h.Instrs {
		in := instruction(c, pc)
		switch in.Op {
		case program.Call:
			pc = call(c, in, pc)
			continue
		case program.SkipIf, program.SkipUnless:
			if succeeded(c, in) == (in.Op == program.SkipIf) {
				pc = uint64(in.Else)
				continue
			}
		case program.Fork:
			pc = split(c, in, pc)
			continue
		case program.Exec:
			execute(c, in, pc)
		default:
			special(c, in, pc)
		}
		pc++
	}
}

// succeeded reports whether the call did whose result in tests.
//
//go:nosplit
//go:norace
func succeeded(c *control, in *program.Word) bool {
	return *register(c, program.Reg(in.Args[0])) != failed
}

// failed is in a register whose call failed with a tolerated error.
const failed = ^uintptr(0)

//go:nosplit
//go:norace
func instruction(c *control, pc uint64) *program.Word {
	const offset, size = unsafe.Sizeof(program.Header{}), unsafe.Sizeof(program.Word{})
	return (*program.Word)(unsafe.Add(c.image(), offset+uintptr(pc)*size))
}

//go:nosplit
//go:norace
func register(c *control, r program.Reg) *uintptr {
	h := (*program.Header)(c.image())
	return (*uintptr)(unsafe.Add(c.image(), uintptr(h.Regs)+uintptr(r)*8))
}

// call makes a system call and returns the index of the next instruction.
//
//go:nosplit
//go:norace
func call(c *control, in *program.Word, pc uint64) uint64 {
	r, errno := invoke(c, in)
	if errno == 0 && in.Full != 0 && r != argument(c, in, uintptr(in.Full)) {
		errno = unix.ENOSPC
	}
	switch {
	case errno == 0:
		*register(c, in.Save) = r
		return pc + 1
	case tolerated(in, errno):
		*register(c, in.Save) = failed
		return uint64(in.Else)
	}
	fail(c, pc, errno)
	return pc
}

//go:nosplit
//go:norace
func invoke(c *control, in *program.Word) (uintptr, syscall.Errno) {
	r, _, errno := syscall.RawSyscall6(uintptr(in.Nr),
		argument(c, in, 0), argument(c, in, 1), argument(c, in, 2),
		argument(c, in, 3), argument(c, in, 4), argument(c, in, 5))
	return r, errno
}

//go:nosplit
//go:norace
func argument(c *control, in *program.Word, i uintptr) uintptr {
	v := *(*uint64)(unsafe.Add(unsafe.Pointer(&in.Args), i*8))
	if in.InRegs&(1<<i) != 0 {
		return *register(c, program.Reg(v))
	}
	return uintptr(v)
}

//go:nosplit
//go:norace
func tolerated(in *program.Word, errno syscall.Errno) bool {
	e := uint16(errno)
	return in.Tolerate[0] == e || in.Tolerate[1] == e || in.Tolerate[2] == e || in.Tolerate[3] == e
}

// special carries out the ops that change what comes next.
//
//go:nosplit
//go:norace
func special(c *control, in *program.Word, pc uint64) {
	switch in.Op {
	case program.Or16:
		*(*uint16)(pointer(c, in.Args[0])) |= uint16(in.Args[1])
	case program.Store32:
		*(*uint32)(pointer(c, in.Args[0])) = uint32(argument(c, in, 1))
	case program.Same:
		if !same(pointer(c, in.Args[0]), pointer(c, in.Args[1]), uintptr(in.Args[2])) {
			fail(c, pc, unix.EEXIST)
		}
	case program.Alive:
		if hungUp(c) {
			exit(statusRefused)
		}
	case program.Outlive:
		if readFull(c.in, unsafe.Pointer(&c.word), 1) {
			exit(0)
		}
	case program.Await:
		if !readFull(c.in, unsafe.Pointer(&c.word), 1) {
			exit(statusRefused)
		}
	case program.IDMap:
		ask(c, in, pc)
	case program.Mask:
		sys(unix.SYS_RT_SIGPROCMASK, unix.SIG_SETMASK, uintptr(unsafe.Pointer(&c.mask)), 0, 8)
	case program.Reign:
		reign(c, c.command)
	case program.Stamp:
		stamp(c, pc)
	case program.Fail:
		fail(c, pc, syscall.Errno(c.execErr))
	default:
		fail(c, pc, unix.ENOSYS)
	}
}

//go:nosplit
//go:norace
func same(a, b unsafe.Pointer, n uintptr) bool {
	for i := range n {
		if *(*byte)(unsafe.Add(a, i)) != *(*byte)(unsafe.Add(b, i)) {
			return false
		}
	}
	return true
}

// pointer returns the address addr, which lies in the arena.
//
//go:nosplit
//go:norace
func pointer(c *control, addr uint64) unsafe.Pointer {
	return unsafe.Add(unsafe.Pointer(c), uintptr(addr)-uintptr(unsafe.Pointer(c)))
}

// execute tries to execute a file. It comes back if the file isn't there or may
// not be executed, so that the next entry of PATH gets its turn, and remembers
// the latter, which says more than that other entries lack the file; execvp(3).
// It looks before it leaps: for a file that isn't there, execve(2) costs more.
//
//go:nosplit
//go:norace
func execute(c *control, in *program.Word, pc uint64) {
	if !present(in) {
		if c.execErr == 0 {
			c.execErr = uint64(unix.ENOENT)
		}
		return
	}
	_, errno := invoke(c, in)
	switch errno {
	case unix.EACCES:
		c.execErr = uint64(errno)
	case unix.ENOENT:
		fail(c, pc, errBadInterpreter)
	default:
		fail(c, pc, errno)
	}
}

// errBadInterpreter stands in reports for an ENOENT of a file that is there: it
// is its interpreter or its loader that isn't.
const errBadInterpreter = unix.ELIBBAD

// present reports whether there is a file to execute. A directory of PATH that
// may not be searched hides nothing that the caller could have meant; what else
// is in the way, execve(2) shall say.
//
//go:nosplit
//go:norace
func present(in *program.Word) bool {
	cwd := unix.AT_FDCWD
	_, errno := sys(unix.SYS_FACCESSAT, uintptr(cwd), uintptr(in.Args[0]), unix.F_OK, 0)
	return errno != unix.ENOENT && errno != unix.ENOTDIR && errno != unix.EACCES
}
