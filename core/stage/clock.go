// SPDX-License-Identifier: Apache-2.0

package stage

import (
	"fmt"
	"strconv"

	"github.com/nsrun/nsrun/core/stage/program"
	"github.com/nsrun/nsrun/ns"
	"golang.org/x/sys/unix"
)

// timeOffset sets a clock. Offsets can be set as long as nobody is in the
// namespace, and the child is in the one that it was cloned into; so it makes
// another, which the command will be in: unshare(2) with CLONE_NEWTIME moves
// nobody, and execve(2) does. See time_namespaces(7).
func (c *compiler) timeOffset(s ns.Step) {
	if !c.times {
		c.b.Call(unix.SYS_UNSHARE, program.Int(unix.CLONE_NEWTIME))
		c.times = true
	}
	text := offsetLine(s)
	fd := c.b.Reg()
	c.openat2(fd, cwd, "/proc/self/timens_offsets", unix.OpenHow{
		Flags: unix.O_WRONLY | unix.O_CLOEXEC, Resolve: unix.RESOLVE_NO_MAGICLINKS,
	})
	c.b.Call(unix.SYS_WRITE, fd.Arg(), c.b.Bytes([]byte(text)), program.Int(len(text)))
	c.close(fd)
}

// offsetLine returns the line for s in timens_offsets: the clock, seconds, and
// nanoseconds, which aren't negative.
func offsetLine(s ns.Step) string {
	const second = 1_000_000_000
	offset, _ := strconv.ParseInt(s.Data, 10, 64)
	seconds, nanos := offset/second, offset%second
	if nanos < 0 {
		seconds, nanos = seconds-1, nanos+second
	}
	return fmt.Sprintf("%s %d %d\n", s.Target, seconds, nanos)
}
