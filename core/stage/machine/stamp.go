// SPDX-License-Identifier: Apache-2.0

// In the child, but for what is exported and decodeStamp.

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

const timespecSize = unsafe.Sizeof(unix.Timespec{})

// stamp tells the time, as a struct timespec. The clock is the one that is the same in
// all time namespaces, and of all processes; time_namespaces(7).
//
//go:nosplit
//go:norace
func stamp(c *control, pc uint64) {
	sys(unix.SYS_CLOCK_GETTIME, unix.CLOCK_REALTIME, uintptr(unsafe.Pointer(&c.log)), 0, 0)
	tell(c, timeMessage, pc, 0, timespecSize)
}

// decodeStamp returns the stamp that a message holds.
func decodeStamp(m *message) Stamp {
	var at unix.Timespec
	copy(unsafe.Slice((*byte)(unsafe.Pointer(&at)), timespecSize), m.log)
	return Stamp{Instr: int(m.instr), Time: time.Unix(at.Unix())}
}
