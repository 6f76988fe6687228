// SPDX-License-Identifier: Apache-2.0

package core

import (
	"testing"

	"github.com/nsrun/nsrun/ns"
)

// What is written down of a run must not hold what a step puts into a file.
func TestJoiningKeepsStepsThatAreDoneWithoutTheirData(t *testing.T) {
	filter := ns.PlannedStep{Plugin: "seccomp", Step: ns.Step{Op: ns.OpSeccomp, Data: "AAAA"}}
	p := &ns.Plan{Steps: []ns.PlannedStep{
		{Plugin: "secrets", Step: ns.Step{Op: ns.OpFile, Target: "/key", Data: "s3cret"}}, filter,
	}}
	j := newRun(&Session{}, &Invocation{}, p).joining()
	if len(j.Steps) != 1 || j.Steps[0].Data != filter.Data {
		t.Errorf("to join: %+v", j.Steps)
	}
	if len(j.Others) != 1 || j.Others[0].Target != "/key" || j.Others[0].Data != "" {
		t.Errorf("done: %+v", j.Others)
	}
	if p.Steps[0].Data != "s3cret" {
		t.Error("the plan has lost it, too")
	}
}
