// SPDX-License-Identifier: Apache-2.0

// In the child.

package machine

import (
	"unsafe"

	"github.com/nsrun/nsrun/core/stage/program"
	"golang.org/x/sys/unix"
)

// split starts the child that goes on with the program, and returns where this
// process goes on, or makes it an init, which never returns. Where the child
// shares this memory, that is when it has executed the command or is gone.
//
//go:nosplit
//go:norace
func split(c *control, in *program.Word, pc uint64) uint64 {
	c.next = pc + 1
	pid, errno := spawn(c, shareFlags, secondStack)
	if errno != 0 {
		fail(c, pc, errno)
	}
	c.command = pid
	if in.Else == 0 {
		reign(c, pid)
	}
	return uint64(in.Else)
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
	trim(c)
	all := ^uint64(0)
	for {
		sig, errno := sys(unix.SYS_RT_SIGTIMEDWAIT, uintptr(unsafe.Pointer(&all)), uintptr(unsafe.Pointer(&c.info)), 0, 8)
		switch {
		case errno != 0:
		case sig == uintptr(unix.SIGCHLD):
			reap(c, command)
		case c.info.code <= 0 && uintptr(c.info.pid) != command:
			// Sent by another process. What the terminal sends has a code above zero
			// (SI_KERNEL), and the command has got that itself, since it is in
			// the same process group.
			sys(unix.SYS_KILL, command, sig, 0, 0)
		}
	}
}

// trim gives back all memory but the program's own segments and the start of the
// arena, with the stack that this runs on. It is not only for thrift: what the
// front was given, its environment above all, is not for the command to read,
// who may well be allowed to look into its init, and is from then on.
//
//go:nosplit
//go:norace
func trim(c *control) {
	if c.trim == 0 {
		return // nothing can be given back, so nobody may look; PR_SET_DUMPABLE
	}
	end := c.address() + imageOffset
	sys(unix.SYS_MUNMAP, c.trim, c.address()-c.trim, 0, 0)
	for bits := uintptr(47); bits >= 39; bits-- {
		// The end of the address space depends on the kernel's configuration.
		if _, errno := sys(unix.SYS_MUNMAP, end, 1<<bits-4096-end, 0, 0); errno == 0 {
			sys(unix.SYS_PRCTL, unix.PR_SET_DUMPABLE, 1, 0, 0)
			return
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
