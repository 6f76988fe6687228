// SPDX-License-Identifier: Apache-2.0

package stage

import (
	"github.com/nsrun/nsrun/core/stage/program"
	"github.com/nsrun/nsrun/ns"
	"golang.org/x/sys/unix"
)

// installFilter has the plan's filter decide from here on: nothing but the
// execution of the command comes after it.
func (c *compiler) installFilter() {
	i := c.find(ns.OpSeccomp)
	if i < 0 {
		return
	}
	filter, log, _ := ns.ParseFilter(c.cfg.Steps[i].Data)
	instrs := make([]unix.SockFilter, len(filter))
	for k, in := range filter {
		instrs[k] = unix.SockFilter{Code: in.Code, Jt: in.JT, Jf: in.JF, K: in.K}
	}
	flags := 0
	if log {
		flags = unix.SECCOMP_FILTER_FLAG_LOG
	}
	c.b.Begin(i, titleOf(c.cfg.Steps[i]))
	c.b.Clock(false) // the filter may forbid it
	c.filter(flags, instrs)
	c.b.Begin(-1, "execute "+c.cfg.Command.Argv[0])
}

func (c *compiler) filter(flags int, instrs []unix.SockFilter) {
	c.b.Call(unix.SYS_SECCOMP, program.Int(unix.SECCOMP_SET_MODE_FILTER), program.Int(flags), c.b.Filter(instrs))
}
