// SPDX-License-Identifier: Apache-2.0

// In the child, but for message and cutMessage.

package machine

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// LogSize is the longest message of the kernel that a report holds, in bytes.
const LogSize = 1024

// messageKind says what a child sends.
type messageKind uint32

const (
	failureMessage    messageKind = iota // the child has failed and exits: a Report
	timeMessage                          // a Stamp
	questionMessage                      // a Question
	namespacesMessage                    // the child has made its namespaces, or couldn't: errno
)

// messageHeader is a message on the pipe. As many bytes as logLen follow.
type messageHeader struct {
	kind                 messageKind
	instr, errno, logLen uint32
}

const messageHeaderSize = int(unsafe.Sizeof(messageHeader{}))

// tell sends a message about the instruction at pc, with size bytes of the log. One
// write of so little is never split; pipe(7), PIPE_BUF.
//
//go:nosplit
//go:norace
func tell(c *control, kind messageKind, pc uint64, errno, size uintptr) {
	c.message = messageHeader{kind: kind, instr: uint32(pc), errno: uint32(errno), logLen: uint32(size)}
	sys(unix.SYS_WRITE, c.out, uintptr(unsafe.Pointer(&c.message)), unsafe.Sizeof(c.message)+size, 0)
}

// message is one as the front has it.
type message struct {
	messageHeader
	log []byte
}

// cutMessage returns the message at the start of data, and the rest; nil if it isn't all
// there.
func cutMessage(data []byte) (m *message, rest []byte) {
	if len(data) < messageHeaderSize {
		return nil, data
	}
	m = &message{}
	copy(unsafe.Slice((*byte)(unsafe.Pointer(&m.messageHeader)), messageHeaderSize), data)
	if data = data[messageHeaderSize:]; len(data) < int(m.logLen) {
		return nil, data
	}
	m.log = data[:m.logLen]
	return m, data[m.logLen:]
}
