// SPDX-License-Identifier: Apache-2.0

package ns

// Offer is what one plugin answers to one [Request]. It asks, and changes
// nothing: the same request gets the same offer.
type Offer struct {
	// Kinds are the namespaces to make, among those that the request says the
	// plugin owns. Clone flags follow from them.
	Kinds []Kind `json:"kinds,omitempty"`
	// Keeps are kinds that the plugin owns and makes no namespace of: the command
	// stays in the caller's.
	Keeps []Kind `json:"keeps,omitempty"`
	// Joins are namespaces that exist, which the command enters instead of new ones
	// of their kinds.
	Joins []Join `json:"joins,omitempty"`
	// Wants are kinds that the run must have besides, whoever owns them.
	Wants []Kind `json:"wants,omitempty"`
	// IDMap is the user namespace's map. It is declared for plans and checks;
	// the plugin writes it in its PreExec hook.
	IDMap *IDMap `json:"idMap,omitempty"`
	// Steps are carried out inside the child before it executes the command.
	Steps []Step `json:"steps,omitempty"`
	// Claims are things that the plugin wants to own beside those that follow
	// from its kinds, steps and environment.
	Claims []string `json:"claims,omitempty"`
	// Env is added to the command's environment.
	Env []EnvVar `json:"env,omitempty"`
	// Hooks are the points at which the plugin wants to be called.
	Hooks []Point `json:"hooks,omitempty"`
	// Pin are kinds whose namespace must stay alive, and reachable by a path of
	// its own, until PostExec has succeeded.
	Pin []Kind `json:"pin,omitempty"`
	// Diagnostics are notes, warnings and errors for the user. One error
	// refuses the run.
	Diagnostics []Diagnostic `json:"diagnostics,omitempty"`
	// Freshness says how long the offer holds. Nil means that it must be asked
	// for at every run.
	Freshness *Freshness `json:"freshness,omitempty"`
}

// Join is a namespace that exists.
type Join struct {
	// Kind is net, ipc or uts: one that setns(2) alone enters.
	Kind Kind `json:"kind"`
	// Source is where it is: the path of a file that stands for it, as in
	// namespaces(7), or "run:" and the name or id of a run of the caller's.
	Source string `json:"source"`
}

// RunPrefix is what the Source of a [Join] that names a run begins with.
const RunPrefix = "run:"

// Freshness lets nsrun reuse an offer without asking again: the offer depends
// on the request and on the named files, and on nothing else. A file that
// doesn't exist may be named; it counts as changed once it exists.
type Freshness struct {
	Files []string `json:"files,omitempty"`
}

// EnvVar is one variable of the command's environment.
type EnvVar struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}
