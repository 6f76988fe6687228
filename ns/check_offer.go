// SPDX-License-Identifier: Apache-2.0

package ns

import (
	"fmt"
	"slices"
	"strings"
)

// CheckOffer returns everything for which nsrun refuses o, the answer to req of
// the plugin that d describes: SPEC.md, "Negotiate". What the plugin itself says
// in o.Diagnostics is not among it. An offer that refuses the run by a
// diagnostic needs no other content, and none is checked.
func CheckOffer(d *Descriptor, req *Request, o *Offer) []Diagnostic {
	f := &faults{of: "read offer"}
	f.answers(o.Diagnostics)
	if HasErrors(o.Diagnostics) {
		return f.diagnostics()
	}
	f.owned(req.Owns, o)
	f.kinds("wants", o.Wants, Kinds(), "")
	f.kinds("pin", o.Pin, o.Kinds, "which is not among the kinds offered")
	f.points(o.Hooks, d.Hooks, "which the descriptor doesn't name")
	f.idMap(o, req.Facts)
	f.steps(o.Steps, slices.Concat(req.Kinds, o.Kinds, o.Wants))
	f.lines("claims", o.Claims)
	f.env(o.Env)
	f.freshness(o.Freshness)
	return f.diagnostics()
}

// owned checks that the offer says of each kind that the plugin owns what becomes
// of it, and once: one that is neither made, kept nor joined would leave the command
// in the caller's namespace, and nobody would notice.
func (f *faults) owned(owns []Kind, o *Offer) {
	const not = "which the plugin doesn't own in this run"
	joined := f.joins(o.Joins)
	f.kinds("kinds", o.Kinds, owns, not)
	f.kinds("keeps", o.Keeps, owns, not)
	f.kinds("joins", joined, owns, not)
	all := slices.Concat(o.Kinds, o.Keeps, joined)
	for _, k := range owns {
		switch count(all, k) {
		case 0:
			f.add("kinds lacks %s, which the plugin owns in this run", k)
		case 1:
		default:
			f.add("%s is in more than one of kinds, keeps and joins", k)
		}
	}
}

func count(kinds []Kind, kind Kind) (n int) {
	for _, k := range kinds {
		if k == kind {
			n++
		}
	}
	return n
}

// joins checks each join and returns their kinds.
func (f *faults) joins(joins []Join) []Kind {
	if !f.count("joins", len(joins), MaxList) {
		return nil
	}
	var kinds []Kind
	for _, j := range joins {
		kinds = append(kinds, j.Kind)
		if j.Kind != Net && j.Kind != IPC && j.Kind != UTS {
			f.add("joins a %s namespace, which can't be entered alone", quote(string(j.Kind)))
		}
		if name, ok := strings.CutPrefix(j.Source, RunPrefix); ok {
			f.required("name of the run to join", name)
			f.line("name of the run to join", name)
			continue
		}
		f.path("source of a join", j.Source)
	}
	return kinds
}

// CheckReply returns everything for which nsrun refuses r, a plugin's answer to
// the hook req: SPEC.md, "PreExec" and "PostExec".
func CheckReply(req *HookRequest, r *HookReply) []Diagnostic {
	f := &faults{of: "read " + string(req.Point) + " reply"}
	f.answers(r.Diagnostics)
	if req.Point != PreExec && (len(r.Steps) > 0 || len(r.Env) > 0 || len(r.Helpers) > 0) {
		f.add("steps, environment or helpers, which only %s can add", PreExec)
	}
	f.steps(r.Steps, req.Request.Kinds)
	f.lateSources(r.Steps)
	f.env(r.Env)
	f.count("bytes of state", len(r.State), MaxState)
	if f.count("results", len(r.Results), MaxList) {
		for key, value := range r.Results {
			f.required("name of a result", key)
			f.line("result "+quote(key), value)
		}
	}
	f.helpers(r.Helpers)
	f.updated(req, r)
	return f.diagnostics()
}

// updated checks the settings that a run has after an update: those of other options
// than were to be changed stay as they are.
func (f *faults) updated(req *HookRequest, r *HookReply) {
	if req.Point != Update {
		if len(r.Settings) > 0 {
			f.add("settings, which only %s can change", Update)
		}
		return
	}
	asked := func(s Setting) bool {
		same := func(o Setting) bool { return o.Option == s.Option }
		return slices.ContainsFunc(req.Add, same) || slices.ContainsFunc(req.Remove, same)
	}
	f.count("settings", len(r.Settings), MaxList)
	before := slices.DeleteFunc(slices.Clone(req.Request.Settings), asked)
	after := slices.DeleteFunc(slices.Clone(r.Settings), asked)
	if !HasErrors(r.Diagnostics) && !slices.EqualFunc(before, after, Setting.equal) {
		f.add("settings that differ in options that were not to be changed")
	}
}

func (f *faults) helpers(helpers []Helper) {
	if !f.count("helpers", len(helpers), MaxList) {
		return
	}
	for _, h := range helpers {
		f.required("name of a helper", h.Name)
		f.line("name of a helper", h.Name)
		if h.PID <= 0 {
			f.add("the helper %s without a process", quote(h.Name))
		}
	}
}

// lateSources refuses files that are filled from what the caller holds: that is
// read before the child exists, and so before any hook.
func (f *faults) lateSources(steps []Step) {
	for i := range steps {
		if steps[i].Op == OpFile && steps[i].Source != "" {
			f.add("step %d: file: source is for offers, not for hooks", i+1)
		}
	}
}

// CheckDiagnostics returns everything for which nsrun refuses ds, a plugin's
// answer to Check.
func CheckDiagnostics(ds []Diagnostic) []Diagnostic {
	f := &faults{of: "read diagnostics"}
	f.answers(ds)
	return f.diagnostics()
}

// answers checks the diagnostics of an answer.
func (f *faults) answers(ds []Diagnostic) {
	if !f.count("diagnostics", len(ds), MaxList) {
		return
	}
	for i := range ds {
		d := &ds[i]
		f.where = fmt.Sprintf("diagnostic %d: ", i+1)
		if d.Severity != Error && d.Severity != Warning && d.Severity != Notice {
			f.unknown("unknown severity %s", quote(string(d.Severity)))
		}
		f.required("summary", d.Summary)
		f.text("detail", d.Detail)
		f.text("hint", d.Hint)
		f.line("option", d.Option)
	}
	f.where = ""
}

func (f *faults) env(vars []EnvVar) {
	if !f.count("environment variables", len(vars), MaxList) {
		return
	}
	seen := map[string]bool{}
	for _, v := range vars {
		f.where = "variable " + quote(v.Name) + ": "
		switch {
		case !envName(v.Name):
			f.add("not the name of a variable")
		case strings.HasPrefix(v.Name, "LD_") || strings.HasPrefix(v.Name, "NSRUN_"):
			// ld.so(8) would load code of the plugin's choice into the command.
			f.add("a plugin can't set it")
		case seen[v.Name]:
			f.add("set twice")
		}
		seen[v.Name] = true
		f.text("value", v.Value)
	}
	f.where = ""
}

func (f *faults) freshness(fresh *Freshness) {
	if fresh == nil || !f.count("freshness files", len(fresh.Files), MaxList) {
		return
	}
	for _, file := range fresh.Files {
		f.path("freshness file", file)
	}
}
