// SPDX-License-Identifier: Apache-2.0

package stage

import (
	"slices"

	"github.com/nsrun/nsrun/core/stage/program"
	"github.com/nsrun/nsrun/ns"
	"golang.org/x/sys/unix"
)

// setLimits sets resource limits: after all mounts, which a low limit on files
// would stop, and before capabilities go, since raising a hard limit needs
// CAP_SYS_RESOURCE; setrlimit(2).
func (c *compiler) setLimits() {
	for i, s := range c.cfg.Steps {
		if s.Op != ns.OpRlimit {
			continue
		}
		c.b.Begin(i, titleOf(s))
		number, _ := ns.RlimitNumber(s.Target)
		soft, hard, _ := ns.ParseRlimit(s.Data)
		c.setLimit(number, &unix.Rlimit{Cur: soft, Max: hard})
	}
}

func (c *compiler) setLimit(number int, limit *unix.Rlimit) {
	c.b.Call(unix.SYS_PRLIMIT64, program.Int(0), program.Int(number), program.Struct(&c.b, limit), program.Int(0))
}

// restoreOpenFiles gives the command the caller's limit on open files: Go's
// runtime has raised that of this process.
func (c *compiler) restoreOpenFiles() {
	given := slices.ContainsFunc(c.cfg.Steps, func(s ns.PlannedStep) bool {
		return s.Op == ns.OpRlimit && s.Target == "nofile"
	})
	if limit, ok := c.host.OpenFiles(); ok && !given {
		c.setLimit(unix.RLIMIT_NOFILE, &limit)
	}
}
