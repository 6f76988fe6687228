// SPDX-License-Identifier: Apache-2.0

package ns

import "encoding/json"

// PlanVersion is the version of the plan's JSON form. It grows when a reader of
// the old form would misread the new one.
const PlanVersion = 1

// Plan is all offers of a run, merged: what will be done, in order, and which
// plugin asked for each part.
type Plan struct {
	Version int `json:"version"`
	// Kinds are the namespaces to make, in rank order, each with its owner.
	Kinds []Ownership `json:"kinds"`
	// Keeps are kinds that a plugin owns and leaves as the caller's.
	Keeps []Ownership `json:"keeps,omitempty"`
	// Joins are namespaces that exist, which the command enters.
	Joins []PlannedJoin `json:"joins,omitempty"`
	// IDMap is the user namespace's map, if there is one.
	IDMap *IDMap `json:"idMap,omitempty"`
	// Steps are carried out in the child, in this order.
	Steps []PlannedStep `json:"steps"`
	// Hooks are the calls on the host, in this order.
	Hooks []Call `json:"hooks"`
	// Pin are the kinds to keep alive until the last PostExec.
	Pin []Kind `json:"pin,omitempty"`
	// Env is added to the command's environment.
	Env []PlannedEnv `json:"env,omitempty"`
	// Notices are diagnostics that don't refuse the run.
	Notices []Diagnostic `json:"notices,omitempty"`
}

// Ownership says which plugin owns a kind, and why the kind is in the run when
// the user didn't ask for it.
type Ownership struct {
	Kind   Kind   `json:"kind"`
	Plugin string `json:"plugin"`
	Reason string `json:"reason,omitempty"`
}

// PlannedJoin is a namespace to enter with the plugin that asked for it.
type PlannedJoin struct {
	Plugin string `json:"plugin"`
	Join
}

// PlannedStep is a step with the plugin that asked for it.
type PlannedStep struct {
	Plugin string `json:"plugin"`
	Step
}

// Call is one call of a plugin at a point.
type Call struct {
	Point  Point  `json:"point"`
	Plugin string `json:"plugin"`
}

// PlannedEnv is an environment variable with the plugin that set it.
type PlannedEnv struct {
	Plugin string `json:"plugin"`
	EnvVar
}

// JSON returns the plan in its stable form, as nsrun --dry-run=json prints it; see
// [PlanVersion].
func (p *Plan) JSON() ([]byte, error) {
	text, err := json.MarshalIndent(p, "", "  ")
	return append(text, '\n'), err
}

// KindList returns the kinds of the plan, in rank order.
func (p *Plan) KindList() []Kind {
	ks := make([]Kind, len(p.Kinds))
	for i, o := range p.Kinds {
		ks[i] = o.Kind
	}
	return ks
}

// Has reports whether the plan makes a namespace of kind k.
func (p *Plan) Has(k Kind) bool { return p.Owner(k) != "" }

// Owner returns the plugin that owns the kind k, which the plan makes, or "".
func (p *Plan) Owner(k Kind) string {
	for _, o := range p.Kinds {
		if o.Kind == k {
			return o.Plugin
		}
	}
	return ""
}

// Calls returns the plugins to call at point, in order.
func (p *Plan) Calls(point Point) []string {
	var names []string
	for _, c := range p.Hooks {
		if c.Point == point {
			names = append(names, c.Plugin)
		}
	}
	return names
}
