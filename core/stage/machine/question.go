// SPDX-License-Identifier: Apache-2.0

// In the child, but for what is exported and decodeQuestion.

package machine

import (
	"encoding/binary"
	"unsafe"

	"github.com/nsrun/nsrun/core/stage/program"
)

// Question is something that the child wants the front to do, and waits for:
// [Process.Proceed] tells it that it is done.
type Question struct {
	// Instr is the index of the instruction.
	Instr int
	// FD is the child's descriptor that it is about, -1 if the call failed that was to
	// open it.
	FD int
}

// ask tells the front the descriptor in the first argument of an instruction, and waits
// for its word.
//
//go:nosplit
//go:norace
func ask(c *control, in *program.Word, pc uint64) {
	*(*int32)(unsafe.Pointer(&c.log)) = int32(argument(c, in, 0))
	tell(c, questionMessage, pc, 0, 4)
	if !readFull(c.in, unsafe.Pointer(&c.word), 1) {
		exit(statusRefused)
	}
}

// decodeQuestion returns the question that a message holds.
func decodeQuestion(m *message) *Question {
	return &Question{Instr: int(m.instr), FD: int(int32(binary.NativeEndian.Uint32(m.log)))}
}
