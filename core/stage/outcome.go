// SPDX-License-Identifier: Apache-2.0

package stage

import (
	"time"

	"github.com/nsrun/nsrun/core/stage/program"
)

// Outcome is what became of a step.
type Outcome struct {
	// Result is "ok", "failed", "not reached", or "left out" if the program has
	// nothing for it.
	Result string
	// Took is the time in the child, if the configuration had Clock. That of a
	// filter isn't known: it may forbid to look at the clock.
	Took time.Duration
}

// Outcomes returns what became of each of [Config.Steps], once Release has
// returned; nil if the child never had its program.
func (c *Child) Outcomes() []Outcome {
	if c.loadErr != nil {
		return nil
	}
	outcomes := make([]Outcome, len(c.program.steps))
	for i := range outcomes {
		outcomes[i].Result = "left out"
	}
	for at, in := range c.program.code.Instrs {
		if in.Step >= 0 {
			o := &outcomes[in.Step]
			o.Result = c.became(at, o.Result)
		}
	}
	c.measure(outcomes)
	return outcomes
}

// became returns what became of a step that has the instruction at, if the result
// before that was this.
func (c *Child) became(at int, before string) string {
	switch {
	case c.failed < 0 || at < c.failed:
		return "ok"
	case at == c.failed:
		return "failed"
	case before == "failed":
		return before
	}
	return "not reached"
}

// measure adds up the times between the stamps of the child.
func (c *Child) measure(outcomes []Outcome) {
	stamps := c.process.Stamps()
	for k := 0; k+1 < len(stamps); k++ {
		if step := c.program.code.Instrs[stamps[k].Instr].Step; step >= 0 {
			outcomes[step].Took += max(0, stamps[k+1].Time.Sub(stamps[k].Time))
		}
	}
}

// note remembers the instruction that failed, unless it was the command alone.
func (c *Child) note(instr int) {
	switch c.program.code.Instrs[instr].Op {
	case program.Exec, program.Fail:
	default:
		c.failed = instr
	}
}
