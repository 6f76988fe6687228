// SPDX-License-Identifier: Apache-2.0

package ns

import "slices"

// Point is a moment of a run at which plugins can be called. Hooks run in the
// plugin's process, on the host.
type Point string

const (
	// PreExec is when the child exists in its namespaces and is blocked. A hook
	// that fails stops the run before the command starts.
	PreExec Point = "pre-exec"
	// PostExec is when the command has ended or will never start. It is called
	// for every PreExec that was about to be called, even if that failed; it may
	// be called again, and succeeds when there is nothing left to undo.
	PostExec Point = "post-exec"
	// CheckRun is any moment while the command runs: the plugin says whether what
	// its PreExec made still holds. Offers and descriptors don't have it among
	// their hooks; a plugin that can answer has [FeatureCheckRun].
	CheckRun Point = "check-run"
	// Update is any moment while the command runs, too: the plugin changes what its
	// PreExec made, all of it or nothing. A plugin that can do so for an option has
	// [FeatureUpdate] with that option's name.
	Update Point = "update"
)

// HookRequest calls a plugin at a point. It holds all that the hook needs: the
// plugin may have been stopped and started since it made its offer.
type HookRequest struct {
	Point  Point  `json:"point"`
	Plugin string `json:"plugin"`
	// RunID names the run, and everything on the host that belongs to it.
	RunID string `json:"runId"`
	// RunName is what the user called the run, or the RunID.
	RunName string `json:"runName"`
	// PID is the child's process id as the plugin sees it; 0 in PostExec when
	// the child is gone.
	PID int `json:"pid,omitempty"`
	// Paths are the child's namespaces as files: pinned ones by their own path,
	// others below /proc/PID/ns, which is gone with the child.
	Paths map[Kind]string `json:"paths,omitempty"`
	// StateDir is a directory of the run, below which the plugin may keep files.
	StateDir string `json:"stateDir"`
	// Lifeline is a FIFO to which nobody writes, and whose writing end nsrun holds until
	// the run is over: what serves the run opens it for reading, and ends at end of file,
	// however nsrun came to its end; fifo(7). Empty if nsrun has none.
	Lifeline string `json:"lifeline,omitempty"`
	// Request is what the plugin's offer was made for.
	Request Request `json:"request"`
	// IDMap is the map that the plugin's offer declared.
	IDMap *IDMap `json:"idMap,omitempty"`
	// Plan is the merged plan in JSON, as nsrun --dry-run=json prints it, for
	// plugins that require [FeaturePlan].
	Plan []byte `json:"plan,omitempty"`
	// State is what PreExec returned, after it, or the last Update; empty if it
	// returned nothing, and if an Update was cut short since.
	State []byte `json:"state,omitempty"`
	// Add and Remove are, for Update, the settings that the run is to have besides
	// those of Request, and those that it isn't to have any more.
	Add    []Setting `json:"add,omitempty"`
	Remove []Setting `json:"remove,omitempty"`
}

// Has reports whether the run has a namespace of kind k of its own.
func (r *HookRequest) Has(k Kind) bool { return slices.Contains(r.Request.Kinds, k) }

// HookReply is a hook's answer.
type HookReply struct {
	// Steps are added to the plan. Only PreExec can add some.
	Steps []Step `json:"steps,omitempty"`
	// Env is added to the command's environment. Only PreExec can add some.
	Env []EnvVar `json:"env,omitempty"`
	// Results are what the hook found out, for nsctl to show: an address, a port.
	Results map[string]string `json:"results,omitempty"`
	// State is handed to PostExec as it is. That of Update takes the place of PreExec's,
	// and so do its Results, each for one of the same name; an empty one takes that away.
	State []byte `json:"state,omitempty"`
	// Settings are, of Update, all settings that the run has from now on.
	Settings []Setting `json:"settings,omitempty"`
	// Diagnostics are notes, warnings and errors for the user. One error means
	// that the hook failed.
	Diagnostics []Diagnostic `json:"diagnostics,omitempty"`
	// Helpers are programs that serve the run until PostExec. Only PreExec can
	// have started some.
	Helpers []Helper `json:"helpers,omitempty"`
}

// Helper is a program that serves a run. nsrun tells the user when it ends while
// the command runs, which goes on without it.
type Helper struct {
	// Name is what people call it. Required.
	Name string `json:"name"`
	// PID is its process, as the plugin sees it. Its arguments hold the run's id, by
	// which nsrun knows it from a later process with that number. Required.
	PID int `json:"pid"`
}
