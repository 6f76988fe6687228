// SPDX-License-Identifier: Apache-2.0

// In the child.

package machine

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// split forks: the child goes on with the program, this process becomes an init
// and never returns.
//
//go:nosplit
//go:norace
func split(c *control, pc uint64) {
	pid, errno := legacyClone(uintptr(unix.SIGCHLD), 0)
	if errno != 0 {
		fail(c, pc, errno)
	}
	if pid != 0 {
		reign(c, pid)
	}
}

// reign is the life of an init; pid_namespaces(7). All signals are blocked, as
// they have been since the clone, and taken one by one. That also lets signals
// through that have no handler, which a first process would never see
// otherwise.
//
//go:nosplit
//go:norace
func reign(c *control, command uintptr) {
	// The front learns from the end of its pipe that the command runs, and
	// whoever reads the command's output waits for its end.
	sys(unix.SYS_CLOSE_RANGE, 0, ^uintptr(0)>>32, 0, 0)
	name := [16]byte{'n', 's', 'r', 'u', 'n', '-', 'i', 'n', 'i', 't'}
	sys(unix.SYS_PRCTL, unix.PR_SET_NAME, uintptr(unsafe.Pointer(&name)), 0, 0)
	all := ^uint64(0)
	for {
		sig, errno := sys(unix.SYS_RT_SIGTIMEDWAIT, uintptr(unsafe.Pointer(&all)), uintptr(unsafe.Pointer(&c.info)), 0, 8)
		switch {
		case errno != 0:
		case sig == uintptr(unix.SIGCHLD):
			reap(c, command)
		case c.info.code <= 0:
			// Sent by a process. What the terminal sends has a code above zero
			// (SI_KERNEL), and the command has got that itself, since it is in
			// the same process group.
			sys(unix.SYS_KILL, command, sig, 0, 0)
		}
	}
}

// reap takes in all children that have ended, and exits as the command did when
// it is among them. Whatever else is in the namespace dies with its init.
//
//go:nosplit
//go:norace
func reap(c *control, command uintptr) {
	for {
		pid, errno := sys(unix.SYS_WAIT4, ^uintptr(0), uintptr(unsafe.Pointer(&c.wstatus)), unix.WNOHANG, 0)
		if errno != 0 || pid == 0 {
			return
		}
		if pid == command {
			exit(exitStatus(uint32(c.wstatus)))
		}
	}
}

// exitStatus turns what wait(2) returns into what a shell would show: the exit
// status, or 128 and the number of the signal.
//
//go:nosplit
//go:norace
func exitStatus(wstatus uint32) uintptr {
	if sig := wstatus & 0x7f; sig != 0 {
		return uintptr(128 + sig)
	}
	return uintptr(wstatus >> 8 & 0xff)
}
