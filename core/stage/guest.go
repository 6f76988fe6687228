// SPDX-License-Identifier: Apache-2.0

package stage

import (
	"github.com/nsrun/nsrun/core/stage/program"
	"github.com/nsrun/nsrun/ns"
	"golang.org/x/sys/unix"
)

// join enters all namespaces in one call: the process that they are taken from
// is looked at once, and the right to enter each is that in the user namespace
// among them; setns(2). Until it has executed the command the child isn't dumpable:
// whoever is in there, as the same user, could otherwise trace it and have what
// it isn't to have (CVE-2016-9962).
func (c *compiler) join() {
	flags := ns.CloneFlags(c.cfg.Kinds)
	if flags == 0 {
		return
	}
	c.b.Begin(-1, "join the run's namespaces")
	c.prctl(unix.PR_SET_DUMPABLE, 0)
	c.b.Call(unix.SYS_SETNS, program.Int(c.cfg.Join), program.Uint(uint64(flags)))
	c.takeSetupIDs()
}

// enterPIDs starts the command of a joining child as a process of its own, since
// a process never changes its PID namespace; its children are in the one that it
// joined. The first process stays and does what an init does for its command.
// It is outside, where nobody of the run can see it, and takes the command with
// it when it dies.
func (c *compiler) enterPIDs() {
	if c.cfg.Join == 0 || !c.has(ns.PID) {
		return
	}
	c.b.Begin(-1, "enter the run's process ids")
	c.b.Do(program.Fork)
	c.rearm()
}

// checkJoin wants no step of a joining child that would change the run for those
// who are in it.
func (c *compiler) checkJoin() {
	if c.cfg.Join == 0 {
		return
	}
	for _, s := range c.cfg.Steps {
		if !s.Op.Confines() {
			c.refuse("%s: not for a process that joins a run", Words(s.Step))
		}
	}
}
