// SPDX-License-Identifier: Apache-2.0

// In the child, but for what is exported and decodeReport.

package machine

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Report says which instruction of a program failed.
type Report struct {
	// Instr is the index of the instruction.
	Instr int
	// Errno is the kernel's reason.
	Errno syscall.Errno
	// BadInterpreter says that a file to execute was there, but not the
	// interpreter that it names, or its loader.
	BadInterpreter bool
	// Log is what the kernel's file system context had to say; fsopen(2).
	Log string
}

// fail reports that the instruction at pc failed, and exits.
//
//go:nosplit
//go:norace
func fail(c *control, pc uint64, errno syscall.Errno) {
	size := uintptr(0)
	if log := instruction(c, pc).Log; log != 0 {
		n, e := sys(unix.SYS_READ, *register(c, log), uintptr(unsafe.Pointer(&c.log)), LogSize, 0)
		if e == 0 {
			size = n
		}
	}
	tell(c, failureMessage, pc, uintptr(errno), size)
	exit(statusRefused)
}

// decodeReport returns the report that a message holds.
func decodeReport(m *message) *Report {
	r := &Report{Instr: int(m.instr), Errno: syscall.Errno(m.errno), Log: string(m.log)}
	if r.Errno == errBadInterpreter {
		r.Errno, r.BadInterpreter = unix.ENOENT, true
	}
	return r
}
