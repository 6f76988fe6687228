// SPDX-License-Identifier: Apache-2.0

package stage

import (
	"unsafe"

	"github.com/nsrun/nsrun/core/stage/program"
	"golang.org/x/sys/unix"
)

// startGuard starts a process that does nothing but outlive this one, should that be
// killed while the caller's terminal passes on each key as it is: nobody else could
// then put it right. It returns nil if there can be none: without one all works as
// well, but for that.
func startGuard(c *Console) *survivor {
	guard, err := startSurvivor(guardProgram(rawModes(c.cooked), c.cooked))
	if err != nil {
		return nil
	}
	return guard
}

// guardProgram puts the terminal from the modes of this process back into old
// ones, and leaves it alone if somebody else has changed them meanwhile. Signals are
// blocked in a clone, SIGTTOU among them.
func guardProgram(from, to unix.Termios) *program.Program {
	var b program.Builder
	tcgets, tcsets := program.Uint(unix.TCGETS), program.Uint(unix.TCSETS)
	b.Begin(-1, "guard the terminal")
	b.Call(unix.SYS_PRCTL, program.Int(unix.PR_SET_NAME), b.String("nsrun-terminal"))
	b.Do(program.Outlive)
	now := b.Bytes(make([]byte, unsafe.Sizeof(from)))
	b.Call(unix.SYS_IOCTL, program.Int(0), tcgets, now)
	b.Same(program.Struct(&b, &from), now, kernelTermios)
	b.Call(unix.SYS_IOCTL, program.Int(0), tcsets, program.Struct(&b, &to))
	return b.Program()
}

// kernelTermios is the size of the kernel's struct termios without its speeds:
// four words, the line discipline and 19 keys.
const kernelTermios = 4*4 + 1 + 19
