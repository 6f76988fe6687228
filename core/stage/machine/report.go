// SPDX-License-Identifier: Apache-2.0

// In the child, but for what is exported.

package machine

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// LogSize is the longest message of the kernel that a report holds, in bytes.
const LogSize = 1024

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

// reportHeader is a report on the pipe. The log follows.
type reportHeader struct {
	instr, errno, logLen uint32
}

const reportHeaderSize = int(unsafe.Sizeof(reportHeader{}))

// fail reports that the instruction at pc failed, and exits.
//
//go:nosplit
//go:norace
func fail(c *control, pc uint64, errno syscall.Errno) {
	c.report = reportHeader{instr: uint32(pc), errno: uint32(errno)}
	if log := instruction(c, pc).Log; log != 0 {
		n, e := sys(unix.SYS_READ, *register(c, log), uintptr(unsafe.Pointer(&c.log)), LogSize, 0)
		if e == 0 {
			c.report.logLen = uint32(n)
		}
	}
	size := unsafe.Sizeof(c.report) + uintptr(c.report.logLen)
	sys(unix.SYS_WRITE, c.out, uintptr(unsafe.Pointer(&c.report)), size, 0)
	exit(statusRefused)
}

// decodeReport returns the report in data, which must hold one.
func decodeReport(data []byte) *Report {
	h := (*reportHeader)(unsafe.Pointer(&data[0]))
	r := &Report{Instr: int(h.instr), Errno: syscall.Errno(h.errno)}
	if r.Errno == errBadInterpreter {
		r.Errno, r.BadInterpreter = unix.ENOENT, true
	}
	log := data[reportHeaderSize:]
	r.Log = string(log[:min(len(log), int(h.logLen))])
	return r
}
