// SPDX-License-Identifier: Apache-2.0

package machine

import (
	"runtime"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The runtime's own preparations for a fork: signals are blocked in this
// thread, and an attempt to grow the stack is made to crash. syscall.ForkExec
// uses them too.
//
//go:linkname beforeFork syscall.runtime_BeforeFork
func beforeFork()

//go:linkname afterFork syscall.runtime_AfterFork
func afterFork()

// fork makes the child, in new namespaces as flags say. The child never returns
// from here.
//
//go:norace
func (c *control) fork(flags uintptr) (pid int, errno syscall.Errno) {
	c.clone = cloneArgs{
		flags: uint64(flags | unix.CLONE_PIDFD | unix.CLONE_CLEAR_SIGHAND),
		pidfd: uint64(uintptr(unsafe.Pointer(&c.pidfd))), exitSignal: uint64(unix.SIGCHLD),
	}
	// Nobody else may fork between the making of a descriptor and its being
	// closed on exec; and what runs in the child must not wait for a lock.
	syscall.ForkLock.Lock()
	beforeFork()
	r, errno := c.rawClone(flags)
	if errno == 0 && r == 0 {
		child(c)
	}
	afterFork()
	syscall.ForkLock.Unlock()
	return int(r), errno
}

// rawClone calls clone3(2), or clone(2) where that isn't there: seccomp filters
// of container runtimes answer ENOSYS, since they can't look into its argument.
//
//go:nosplit
//go:norace
func (c *control) rawClone(flags uintptr) (uintptr, syscall.Errno) {
	r, _, errno := syscall.RawSyscall(unix.SYS_CLONE3, uintptr(unsafe.Pointer(&c.clone)), unsafe.Sizeof(c.clone), 0)
	if errno != unix.ENOSYS {
		return r, errno
	}
	c.legacy = true
	return legacyClone(flags|unix.CLONE_PIDFD|uintptr(unix.SIGCHLD), uintptr(unsafe.Pointer(&c.pidfd)))
}

// legacyClone calls clone(2) as fork(2) would, with flags.
//
//go:nosplit
//go:norace
func legacyClone(flags, pidfd uintptr) (uintptr, syscall.Errno) {
	if runtime.GOARCH == "s390x" {
		// The first two arguments are swapped there.
		r, _, errno := syscall.RawSyscall(unix.SYS_CLONE, 0, flags, pidfd)
		return r, errno
	}
	r, _, errno := syscall.RawSyscall(unix.SYS_CLONE, flags, 0, pidfd)
	return r, errno
}
