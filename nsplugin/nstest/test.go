// SPDX-License-Identifier: Apache-2.0

package nstest

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/nsrun/nsrun/ns"
	"github.com/nsrun/nsrun/nsplugin"
)

// rule is a rule of SPEC.md, and what it finds wrong with a plugin.
type rule struct {
	name   string
	faults func(p *Plugin, d *ns.Descriptor) []string
}

// rules are those that need no case.
var rules = []rule{
	{"the descriptor is valid [D-1]", invalidDescriptor},
	{"describing is pure [D-2]", impureDescribe},
	{"an option that isn't described is refused [N-4]", acceptsUnknownOption},
	{"checking the host says what nsrun takes [C-1]", invalidCheck},
	{"undoing what was never done succeeds, again and again [U-1]", failingUndo},
}

// caseRules are checked with every case.
var caseRules = []struct {
	name   string
	faults func(p *Plugin, d *ns.Descriptor, c *Case) []string
}{
	{"the offer is valid [N-1]", invalidOffer},
	{"the offer is the same each time [N-2]", fickleOffer},
	{"unknown fields are ignored [V-2]", mindsUnknownFields},
}

// Test tests p against every rule, with the cases given and two of its own: no
// option, alone and in a run with every kind of namespace. PostExec is called
// for a run that never was; it must find nothing to undo.
func Test(t *testing.T, p nsplugin.Plugin, cases ...Case) {
	plugin := Start(t, p)
	d := plugin.Describe()
	for _, r := range rules {
		t.Run(r.name, func(t *testing.T) { report(t, r.faults(plugin.in(t), d)) })
	}
	for _, c := range append(defaults(d), cases...) {
		t.Run(c.Name, func(t *testing.T) {
			for _, r := range caseRules {
				t.Run(r.name, func(t *testing.T) { report(t, r.faults(plugin.in(t), d, &c)) })
			}
		})
	}
}

func report(t *testing.T, faults []string) {
	t.Helper()
	for _, fault := range faults {
		t.Error(fault)
	}
}

// said returns diagnostics as lines.
func said(ds []ns.Diagnostic) []string {
	var lines []string
	for _, d := range ds {
		line := d.Summary
		if d.Hint != "" {
			line += " (try: " + d.Hint + ")"
		}
		lines = append(lines, line)
	}
	return lines
}

func invalidDescriptor(_ *Plugin, d *ns.Descriptor) []string { return said(ns.CheckDescriptor(d)) }

func impureDescribe(p *Plugin, d *ns.Descriptor) []string {
	p.Negotiate((&Case{}).request(d))
	if again := p.Describe(); !reflect.DeepEqual(d, again) {
		return []string{"the descriptor changed: " + difference(d, again)}
	}
	return nil
}

func acceptsUnknownOption(p *Plugin, d *ns.Descriptor) []string {
	c := Case{Settings: []ns.Setting{{Option: "no-such-option", Args: []string{"x"}}}}
	if ns.HasErrors(p.Negotiate(c.request(d)).Diagnostics) {
		return nil
	}
	return []string{"--no-such-option was accepted"}
}

func invalidCheck(p *Plugin, _ *ns.Descriptor) []string {
	return said(ns.CheckDiagnostics(p.Check(hostFacts())))
}

func failingUndo(p *Plugin, d *ns.Descriptor) []string {
	if !slices.Contains(d.Hooks, ns.PostExec) {
		return nil
	}
	req := &ns.HookRequest{
		Point: ns.PostExec, Plugin: d.Name, RunID: "nstest-never-run", RunName: "nstest",
		StateDir: p.t.TempDir(), Request: *(&Case{}).request(d),
	}
	var faults []string
	for range 3 {
		reply := p.Hook(req)
		faults = append(faults, said(ns.CheckReply(req, reply))...)
		if ns.HasErrors(reply.Diagnostics) {
			faults = append(faults, "post-exec failed: "+strings.Join(said(reply.Diagnostics), "; "))
		}
	}
	return faults
}

func invalidOffer(p *Plugin, d *ns.Descriptor, c *Case) []string {
	req := c.request(d)
	offer := p.Negotiate(req)
	faults := said(ns.CheckOffer(d, req, offer))
	switch {
	case c.Refused == "" && ns.HasErrors(offer.Diagnostics):
		faults = append(faults, "refused: "+strings.Join(said(offer.Diagnostics), "; "))
	case c.Refused != "" && !c.refusedIn(offer.Diagnostics):
		faults = append(faults, "not refused with "+c.Refused+": "+strings.Join(said(offer.Diagnostics), "; "))
	}
	return faults
}

// fickleOffer asks twice, and with another request in between, which leaves
// nothing behind in a plugin that keeps no state.
func fickleOffer(p *Plugin, d *ns.Descriptor, c *Case) []string {
	first := p.Negotiate(c.request(d))
	p.Negotiate((&Case{}).request(d))
	if second := p.Negotiate(c.request(d)); !reflect.DeepEqual(first, second) {
		return []string{"the offer changed: " + difference(first, second)}
	}
	return nil
}

func mindsUnknownFields(p *Plugin, d *ns.Descriptor, c *Case) []string {
	plain := p.Negotiate(c.request(d))
	greased, err := p.greased.Negotiate(p.t.Context(), c.request(d))
	if err != nil {
		return []string{"negotiate with unknown fields: " + err.Error()}
	}
	if !reflect.DeepEqual(plain, greased) {
		return []string{"unknown fields changed the offer: " + difference(plain, greased)}
	}
	return nil
}
