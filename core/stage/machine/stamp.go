// SPDX-License-Identifier: Apache-2.0

// In the child, but for what is exported and cutStamps.

package machine

import (
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Stamp says when the child was at an instruction.
type Stamp struct {
	// Instr is the index of the instruction.
	Instr int
	// Time is what the host's clock said.
	Time time.Time
}

const timespecSize = int(unsafe.Sizeof(unix.Timespec{}))

// stamp tells the time, in the form of a report without an error, whose log is a
// struct timespec. The clock is the one that is the same in all time namespaces,
// and of all processes; time_namespaces(7).
//
//go:nosplit
//go:norace
func stamp(c *control, pc uint64) {
	c.report = reportHeader{instr: uint32(pc), logLen: uint32(timespecSize)}
	sys(unix.SYS_CLOCK_GETTIME, unix.CLOCK_REALTIME, uintptr(unsafe.Pointer(&c.log)), 0, 0)
	sys(unix.SYS_WRITE, c.out, uintptr(unsafe.Pointer(&c.report)), uintptr(reportHeaderSize+timespecSize), 0)
}

// cutStamps returns the stamps at the start of what came from a child, and the rest.
func cutStamps(data []byte) (stamps []Stamp, rest []byte) {
	for len(data) >= reportHeaderSize+timespecSize {
		h := (*reportHeader)(unsafe.Pointer(&data[0]))
		if h.errno != 0 {
			break
		}
		var at unix.Timespec
		copy(unsafe.Slice((*byte)(unsafe.Pointer(&at)), timespecSize), data[reportHeaderSize:])
		stamps = append(stamps, Stamp{Instr: int(h.instr), Time: time.Unix(at.Unix())})
		data = data[reportHeaderSize+timespecSize:]
	}
	return stamps, data
}
