// SPDX-License-Identifier: Apache-2.0

// Package plan merges the offers of plugins into one plan. It does no I/O: the
// same parts give the same plan, or the same errors, in whatever order they come.
package plan

import (
	"errors"
	"slices"
	"strings"

	"github.com/nsrun/nsrun/ns"
)

// Part is one plugin of a run with its offer.
type Part struct {
	// Plugin is the plugin's name.
	Plugin string
	// Owns are the kinds that the plugin was chosen to own.
	Owns []ns.Kind
	// Reason says why the plugin is in the run when the user didn't ask for it.
	Reason string
	// Offer is the plugin's answer. Required.
	Offer *ns.Offer
}

// rank orders parts: by their first kind, those without a kind last, by name.
func (p *Part) rank() int {
	rank := ns.Kind("").Rank()
	for _, k := range p.Owns {
		rank = min(rank, k.Rank())
	}
	return rank
}

// Merge returns the plan that all parts agree on. An error joins one
// *ns.Diagnostic for each thing that is wrong.
func Merge(parts []Part) (*ns.Plan, error) {
	sorted := slices.Clone(parts)
	slices.SortStableFunc(sorted, func(a, b Part) int {
		if d := a.rank() - b.rank(); d != 0 {
			return d
		}
		return strings.Compare(a.Plugin, b.Plugin)
	})
	m := merger{plan: &ns.Plan{Version: ns.PlanVersion}, owners: owners{}}
	for i := range sorted {
		m.addKinds(&sorted[i])
	}
	for i := range sorted {
		m.addOffer(&sorted[i])
	}
	orderSteps(m.plan)
	m.checkNeeds()
	m.addHooks(sorted)
	if len(m.errs) > 0 {
		return nil, errors.Join(m.errs...)
	}
	return m.plan, nil
}

// Extend adds to plan what a plugin's PreExec hook answered, under the same
// rules as an offer.
func Extend(p *ns.Plan, plugin string, reply *ns.HookReply) error {
	m := merger{plan: p, owners: ownersOf(p)}
	m.addSteps(plugin, reply.Steps)
	m.addEnv(plugin, reply.Env)
	orderSteps(p)
	m.checkNeeds()
	return errors.Join(m.errs...)
}

// merger collects a plan and all that is wrong with it.
type merger struct {
	plan   *ns.Plan
	owners owners
	errs   []error
}

func (m *merger) fail(d *ns.Diagnostic) { m.errs = append(m.errs, d) }

func (m *merger) claim(thing, plugin string) {
	if err := m.owners.claim(thing, plugin); err != nil {
		m.fail(err)
	}
}

func (m *merger) addKinds(part *Part) {
	for _, k := range ns.SortKinds(part.Offer.Kinds) {
		if !slices.Contains(part.Owns, k) {
			m.fail(&ns.Diagnostic{Plugin: part.Plugin, Summary: "offers a " + string(k) + " namespace that it was not chosen to own",
				Hint: "--plugins " + string(k) + "=" + part.Plugin})
			continue
		}
		m.claim("the "+string(k)+" namespace", part.Plugin)
		m.plan.Kinds = append(m.plan.Kinds, ns.Ownership{Kind: k, Plugin: part.Plugin, Reason: part.Reason})
	}
	slices.SortStableFunc(m.plan.Kinds, func(a, b ns.Ownership) int { return a.Kind.Rank() - b.Kind.Rank() })
	m.addOthers(part)
}

// addOthers adds the kinds of which the plugin makes no namespace.
func (m *merger) addOthers(part *Part) {
	for _, k := range part.Offer.Keeps {
		m.claim("the "+string(k)+" namespace", part.Plugin)
		m.plan.Keeps = append(m.plan.Keeps, ns.Ownership{Kind: k, Plugin: part.Plugin, Reason: part.Reason})
	}
	for _, j := range part.Offer.Joins {
		m.claim("the "+string(j.Kind)+" namespace", part.Plugin)
		m.plan.Joins = append(m.plan.Joins, ns.PlannedJoin{Plugin: part.Plugin, Join: j})
	}
}

func (m *merger) addOffer(part *Part) {
	offer := part.Offer
	m.addWants(part)
	m.addDiagnostics(part.Plugin, offer.Diagnostics)
	if offer.IDMap != nil {
		m.claim("the id map", part.Plugin)
		m.plan.IDMap = offer.IDMap
	}
	m.addSteps(part.Plugin, offer.Steps)
	m.addEnv(part.Plugin, offer.Env)
	for _, c := range offer.Claims {
		m.claim(c, part.Plugin)
	}
	m.plan.Pin = ns.SortKinds(append(m.plan.Pin, offer.Pin...))
}

func (m *merger) addWants(part *Part) {
	for _, k := range part.Offer.Wants {
		if !m.plan.Has(k) {
			m.fail(&ns.Diagnostic{Plugin: part.Plugin, Summary: "needs a " + string(k) + " namespace, which this run does not have",
				Hint: "add " + string(k) + " to --plugins"})
		}
	}
}

func (m *merger) addDiagnostics(plugin string, diagnostics []ns.Diagnostic) {
	for _, d := range diagnostics {
		d.Plugin = plugin
		if d.Severity == ns.Error {
			m.fail(&d)
			continue
		}
		m.plan.Notices = append(m.plan.Notices, d)
	}
}

func (m *merger) addSteps(plugin string, steps []ns.Step) {
	for _, s := range steps {
		for _, thing := range claimsOf(s) {
			m.claim(thing, plugin)
		}
		m.plan.Steps = append(m.plan.Steps, ns.PlannedStep{Plugin: plugin, Step: s})
	}
}

func (m *merger) addEnv(plugin string, env []ns.EnvVar) {
	for _, e := range env {
		m.claim("the environment variable "+e.Name, plugin)
		m.plan.Env = append(m.plan.Env, ns.PlannedEnv{Plugin: plugin, EnvVar: e})
	}
}

// checkNeeds refuses a step whose namespace nobody makes: carried out all the
// same, it would change the caller's.
func (m *merger) checkNeeds() {
	for _, s := range m.plan.Steps {
		need, ok := need(s.Step)
		switch {
		case !ok:
			m.fail(&ns.Diagnostic{Plugin: s.Plugin, Summary: "asks for the step " + string(s.Op) + " " + s.Target + ", which this nsrun does not know",
				Hint: ns.UpgradeNsrun})
		case need != "" && !m.plan.Has(need):
			m.fail(&ns.Diagnostic{Plugin: s.Plugin, Summary: "the step " + string(s.Op) + " needs a " + string(need) + " namespace, which this run does not have",
				Hint: "add " + string(need) + " to --plugins"})
		}
	}
}

func need(s ns.Step) (ns.Kind, bool) {
	if s.Op == ns.OpSysctl {
		return ns.SysctlKind(s.Target)
	}
	return s.Op.Needs()
}

// addHooks puts PreExec calls in rank order and PostExec calls in reverse, as
// the CNI specification does for DEL.
func (m *merger) addHooks(sorted []Part) {
	for _, part := range sorted {
		if slices.Contains(part.Offer.Hooks, ns.PreExec) {
			m.plan.Hooks = append(m.plan.Hooks, ns.Call{Point: ns.PreExec, Plugin: part.Plugin})
		}
	}
	for _, part := range slices.Backward(sorted) {
		if slices.Contains(part.Offer.Hooks, ns.PostExec) {
			m.plan.Hooks = append(m.plan.Hooks, ns.Call{Point: ns.PostExec, Plugin: part.Plugin})
		}
	}
}
