// SPDX-License-Identifier: Apache-2.0

package machine

import (
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
	// Nobody else may fork meanwhile: he would miss the memory that is held back
	// from this child, and his child would keep a copy of this one's pipes.
	syscall.ForkLock.Lock()
	defer syscall.ForkLock.Unlock()
	hidden := c.hideMemory()
	beforeFork()
	r, errno := spawn(c, flags|unix.CLONE_PIDFD|clearHandlers, firstStack)
	afterFork()
	hidden.show()
	return int(r), errno
}

// clearHandlers has the child's signals without handlers. clone(2) has no bit
// for it, and the child does it itself there.
const clearHandlers = unix.CLONE_CLEAR_SIGHAND

// spawn clones this process, with flags, onto the stack at an offset in the
// arena, where it goes on with resume. It calls clone3(2), or clone(2) where
// that isn't there: seccomp filters of container runtimes answer ENOSYS, since
// they can't look into its argument.
//
//go:nosplit
//go:norace
func spawn(c *control, flags, stack uintptr) (uintptr, syscall.Errno) {
	c.clone = cloneArgs{
		flags: uint64(flags | stackFlags), exitSignal: uint64(unix.SIGCHLD),
		pidfd: uint64(uintptr(unsafe.Pointer(&c.pidfd))),
		stack: uint64(c.address() + stack), stackSize: stackSize,
		tls: uint64(uintptr(unsafe.Pointer(&c.tls)) + unsafe.Sizeof(c.tls)/2),
	}
	if !c.legacy {
		r, errno := spawnWithClone3(c)
		if errno != unix.ENOSYS {
			return r, errno
		}
		c.legacy = true
	}
	return spawnWithClone(c)
}
