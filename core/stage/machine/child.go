// SPDX-License-Identifier: Apache-2.0

// In the child.

package machine

import (
	"syscall"
	"unsafe"

	"github.com/nsrun/nsrun/core/stage/program"
	"golang.org/x/sys/unix"
)

// resume is where a clone begins. It never returns.
//
//go:nosplit
//go:norace
func resume(c *control) {
	if c.next == 0 {
		begin(c)
	}
	run(c, c.next)
	exit(statusRefused)
}

// begin is what the child does before it carries out its program.
//
//go:nosplit
//go:norace
func begin(c *control) {
	if !c.outlive {
		// First of all: if the front dies before this, the pipe is at its end.
		sys(unix.SYS_PRCTL, unix.PR_SET_PDEATHSIG, uintptr(unix.SIGKILL), 0, 0)
	}
	closeOthers(c.in, c.out, c.keep)
	if c.legacy {
		resetHandlers(c)
	}
	if c.unshare != 0 {
		makeNamespaces(c)
	}
	if !receive(c) {
		exit(statusRefused)
	}
}

// makeNamespaces makes those that the clone didn't, and tells the front what came of it.
//
//go:nosplit
//go:norace
func makeNamespaces(c *control) {
	_, errno := sys(unix.SYS_UNSHARE, c.unshare, 0, 0, 0)
	tell(c, namespacesMessage, 0, uintptr(errno), 0)
	if errno != 0 {
		exit(statusRefused)
	}
}

// statusRefused is the exit status of a child that never executed a command.
const statusRefused = 125

// closeOthers closes all descriptors but the first three and a, b and k, which is
// 0 for none, so that the child keeps nothing of the front's open while it waits: not the lock of
// the run directory, not a socket, not its own end of the pipe whose end of
// file it waits for.
//
//go:nosplit
//go:norace
func closeOthers(a, b, k uintptr) {
	if a > b {
		a, b = b, a
	}
	switch { // in order, a being the lowest
	case k == 0:
		k = b
	case k < a:
		a, b, k = k, a, b
	case k < b:
		b, k = k, b
	}
	closeRange(3, a-1)
	closeRange(a+1, b-1)
	closeRange(b+1, k-1)
	closeRange(k+1, ^uintptr(0)>>32)
}

//go:nosplit
//go:norace
func closeRange(first, last uintptr) {
	if first <= last {
		sys(unix.SYS_CLOSE_RANGE, first, last, 0, 0)
	}
}

// resetHandlers does what CLONE_CLEAR_SIGHAND does: signals that have a handler
// get the default one, ignored ones stay ignored; clone(2).
//
//go:nosplit
//go:norace
func resetHandlers(c *control) {
	for sig := uintptr(1); sig <= 64; sig++ {
		act := uintptr(unsafe.Pointer(&c.action))
		sys(unix.SYS_RT_SIGACTION, sig, 0, act, 8)
		if c.action.handler > 1 { // neither SIG_DFL nor SIG_IGN
			c.action.handler, c.action.flags = 0, 0
			sys(unix.SYS_RT_SIGACTION, sig, act, 0, 8)
		}
	}
}

// receive reads the program into the arena. It returns false if the front died
// before all of it was there.
//
//go:nosplit
//go:norace
func receive(c *control) bool {
	const size = unsafe.Sizeof(program.Header{})
	if !readFull(c.in, c.image(), size) {
		return false
	}
	h := (*program.Header)(c.image())
	if h.Magic != program.Magic || h.Size > MaxImage || h.Size < uint64(size) {
		return false
	}
	return readFull(c.in, unsafe.Add(c.image(), size), uintptr(h.Size)-size)
}

//go:nosplit
//go:norace
func readFull(fd uintptr, to unsafe.Pointer, size uintptr) bool {
	for size > 0 {
		n, errno := sys(unix.SYS_READ, fd, uintptr(to), size, 0)
		if errno == unix.EINTR {
			continue
		}
		if errno != 0 || n == 0 {
			return false
		}
		to, size = unsafe.Add(to, n), size-n
	}
	return true
}

// hungUp reports whether the front has died: nobody is left who could write to
// the program's pipe.
//
//go:nosplit
//go:norace
func hungUp(c *control) bool {
	c.poll = pollFd{fd: int32(c.in)}
	var zero [2]uint64 // a struct timespec
	n, errno := sys(unix.SYS_PPOLL, uintptr(unsafe.Pointer(&c.poll)), 1, uintptr(unsafe.Pointer(&zero)), 0)
	return errno == 0 && n == 1
}

// sys makes a system call of four arguments at most.
//
//go:nosplit
//go:norace
func sys(nr, a, b, c, d uintptr) (uintptr, syscall.Errno) {
	r, _, errno := syscall.RawSyscall6(nr, a, b, c, d, 0, 0)
	return r, errno
}

//go:nosplit
//go:norace
func exit(status uintptr) {
	for {
		sys(unix.SYS_EXIT_GROUP, status, 0, 0, 0)
	}
}
