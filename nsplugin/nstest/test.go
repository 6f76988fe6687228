// SPDX-License-Identifier: Apache-2.0

package nstest

import (
	"testing"

	"github.com/nsrun/nsrun/ns"
	"github.com/nsrun/nsrun/nsplugin"
	"github.com/nsrun/nsrun/nsplugin/conform"
)

// Case is one request to the plugin.
type Case = conform.Case

// Test tests p against every rule, with the cases given and two of its own: no
// option, alone and in a run with every kind of namespace. PostExec is called
// for a run that never was; it must find nothing to undo.
func Test(t *testing.T, p nsplugin.Plugin, cases ...Case) {
	plugin := Start(t, p)
	d := plugin.Describe()
	for _, a := range conform.Answers {
		t.Run(title(a.Check), func(t *testing.T) { plugin.check(t, &a, d, nil) })
	}
	for _, c := range append(conform.Defaults(d), cases...) {
		t.Run(c.Name, func(t *testing.T) {
			for _, a := range conform.CaseAnswers {
				t.Run(title(a.Check), func(t *testing.T) { plugin.check(t, &a, d, &c) })
			}
		})
	}
}

// TestBinary tests the plugin at path, which may be written in any language, as
// "nsctl plugin check" does: also how it starts, ends, and treats its host. No
// PreExec is called. The plugin may take ten times as long as SPEC.md says, since a
// test's machine may be loaded.
func TestBinary(t *testing.T, path string, cases ...Case) {
	for _, r := range conform.Run(t.Context(), conform.Subject{Path: path, Cases: cases, Limits: conform.SpecLimits.Times(10)}) {
		name := title(r.Check)
		if r.Case != "" {
			name = r.Case + "/" + name
		}
		t.Run(name, func(t *testing.T) { report(t, r) })
	}
}

func title(c conform.Check) string { return c.Name + " [" + c.ID + "]" }

func report(t *testing.T, r conform.Result) {
	t.Helper()
	for _, detail := range r.Details {
		if r.Outcome == conform.Failed {
			t.Error(detail)
		} else {
			t.Log(string(r.Outcome)+":", detail)
		}
	}
}

func (p *Plugin) check(t *testing.T, a *conform.AnswerCheck, d *ns.Descriptor, c *Case) {
	t.Helper()
	v := a.Run(t.Context(), p.conn, d, c)
	for _, f := range v.Faults {
		t.Error(f)
	}
}
