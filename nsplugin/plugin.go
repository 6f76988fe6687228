// SPDX-License-Identifier: Apache-2.0

// Package nsplugin is the SDK for authors of nsrun plugins.
//
// A plugin is a struct whose tagged fields are its options, with a method
// Describe and a method Negotiate, handed to [Main]:
//
//	type hello struct {
//		Name string `option:"name" help:"whom to greet" default:"world"`
//	}
//
//	func (hello) Describe() nsplugin.Info {
//		return nsplugin.Info{Name: "hello", Version: "1.0.0", Summary: "greets by environment"}
//	}
//
//	func (h *hello) Negotiate(ctx context.Context, req *ns.Request) (*ns.Offer, error) {
//		return &ns.Offer{Env: []ns.EnvVar{{Name: "HELLO", Value: h.Name}}}, nil
//	}
//
//	func main() { nsplugin.Main(&hello{}) }
//
// Before each call the SDK makes a fresh copy of the struct and fills its
// fields from the settings of the request, so that a plugin keeps no state
// between calls. More interfaces are optional: [PreExecer], [PostExecer],
// [Checker], [RunChecker], [Updater], [Reviewer] and [SelfDescriber].
package nsplugin

import (
	"context"

	"github.com/nsrun/nsrun/ns"
)

// Info is the part of a plugin's descriptor that doesn't follow from its type.
type Info struct {
	Name     string    // Required; the NAME of nsrun-plugin-NAME.
	Version  string    // Required.
	Summary  string    // Required; one line.
	Kinds    []ns.Kind // Kinds that the plugin can own.
	Features []string  // What the plugin supports, for plugins that can replace each other.
	Requires []string  // Features of nsrun without which the plugin can't work: ns.FeaturePlan.
}

// Plugin is what every plugin implements, on a pointer to a struct.
//
// A field of the struct with a tag "option" holds an option:
//
//	Size   string        `option:"size" help:"how large" default:"64m"`
//	Init   bool          `option:"init" help:"run an init" default:"true"`
//	Count  int           `option:"count,required" short:"c" help:"how many"`
//	Wait   time.Duration `option:"wait" help:"how long" env:"HELLO_WAIT"`
//	Config string        `option:"config" help:"where to read it" type:"path"`
//	Key    string        `option:"key,sensitive" help:"never shown"`
//	Mode   string        `option:"mode" help:"how" enum:"fast,safe" deprecated:"--speed"`
//	Files  []string      `option:"file" help:"may be given again" type:"path"`
//	Binds  [][]string    `option:"bind" help:"two words each time" args:"SRC,DST" type:"path"`
//
// The field is exported and has one of these types. A field without a default
// keeps the value that it has in the struct given to [Main]; a slice starts empty.
// How options relate to each other in order is in the request's Settings.
type Plugin interface {
	// Describe is pure: the same answer always, no side effect.
	Describe() Info
	// Negotiate answers one request. It may look at the host but changes
	// nothing. An error, best made with [Errorf], refuses the run.
	Negotiate(ctx context.Context, req *ns.Request) (*ns.Offer, error)
}

// PreExecer is a plugin with work on the host before the command starts. Its
// offer asks for it with ns.PreExec in Hooks.
type PreExecer interface {
	// PreExec runs when the child exists and is blocked. An error stops the run.
	PreExec(ctx context.Context, req *ns.HookRequest) (*ns.HookReply, error)
}

// PostExecer is a plugin that undoes on the host what its PreExec did.
type PostExecer interface {
	// PostExec runs when the command has ended or will never start, also when
	// PreExec failed or was cut short. It may be called more than once and
	// succeeds when there is nothing left to undo. What [Warnf] or [Noticef] made
	// is told to the user, and counts as success.
	PostExec(ctx context.Context, req *ns.HookRequest) error
}

// Checker is a plugin that can say beforehand whether it can work on this host.
type Checker interface {
	// Check returns what stands in the way, and what would help.
	Check(ctx context.Context, facts ns.Facts) ([]ns.Diagnostic, error)
}

// RunChecker is a plugin that can say whether what its PreExec made for a run still
// holds, for nsctl inspect --check. The SDK adds ns.FeatureCheckRun to its features.
type RunChecker interface {
	// CheckRun changes nothing. req is that of PostExec, but the child is alive. A
	// notice says what holds, a warning what can't be checked, and an error what
	// doesn't hold, each with its object.
	CheckRun(ctx context.Context, req *ns.HookRequest) ([]ns.Diagnostic, error)
}

// Updater is a plugin that can change what its PreExec made for a run whose command is
// running, for nsctl update. Its features have ns.FeatureUpdate with the name of each
// option that can be changed so.
type Updater interface {
	// Update does all that req.Add and req.Remove ask for or, if it returns an error,
	// nothing of it. The options, and req, are those of the run so far; without
	// req.State it isn't known what is there, and has to be found, as for PostExec. The
	// reply says all settings, the results and the state that the run has from now on.
	Update(ctx context.Context, req *ns.HookRequest) (*ns.HookReply, error)
}

// Reviewer is a plugin that is shown the whole of each run that it is in before
// anything starts, and may refuse it: a policy, say. It requires ns.FeatureReview,
// which the SDK adds to the descriptor.
type Reviewer interface {
	// Review changes nothing. It is called again when a hook of another plugin has
	// added to the plan. An error, best made with [Errorf], refuses the run; a reply
	// says how long the answer holds, and nil means that it holds for this run only.
	Review(ctx context.Context, req *ns.ReviewRequest) (*ns.ReviewReply, error)
}

// SelfDescriber is a plugin that says itself what of other plugins follows from
// their type, their options and hooks among it: one that reads them from a file,
// say. It has no tagged fields; what was given is in the request's Settings.
type SelfDescriber interface {
	// Descriptor is pure. An error, best made with [Errorf], says why the plugin
	// can't be used.
	Descriptor() (*ns.Descriptor, error)
}
