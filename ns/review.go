// SPDX-License-Identifier: Apache-2.0

package ns

// ReviewRequest shows a plugin that requires [FeatureReview] the whole of a run
// before anything of it starts: SPEC.md, "Review". Like [Request] it holds nothing
// that differs between two runs of the same command line on the same host.
type ReviewRequest struct {
	// Request is what the plugin's own offer was made for.
	Request Request `json:"request"`
	// Plan is the merged plan in JSON, as nsrun --dry-run=json prints it. When a hook
	// has added steps or environment, the plan is shown again with them.
	Plan []byte `json:"plan,omitempty"`
	// Members are all plugins of the run.
	Members []ReviewMember `json:"members"`
	// Command is the command and its arguments.
	Command []string `json:"command"`
	// User is UID:GID if the command is to run as other ids, and else empty.
	User string `json:"user,omitempty"`
	// NewPrivs says that the command may gain privilege by execve(2).
	NewPrivs bool `json:"newPrivs,omitempty"`
}

// ReviewMember is a plugin of a run that is reviewed.
type ReviewMember struct {
	Name string `json:"name"`
	// Path is the plugin's file.
	Path string `json:"path"`
	// System says that the file lies where nsrun is installed, and is root's.
	System bool `json:"system,omitempty"`
	// Owns are the kinds that the plugin owns in the run.
	Owns []Kind `json:"owns,omitempty"`
	// Settings are the plugin's options that were given. The arguments of sensitive
	// ones are empty.
	Settings []Setting `json:"settings,omitempty"`
}

// ReviewReply is a plugin's answer. A diagnostic of severity [Error] refuses the run.
type ReviewReply struct {
	Diagnostics []Diagnostic `json:"diagnostics,omitempty"`
	// Freshness says how long the answer holds for the same request. Nil means that
	// the plugin must be asked at every run.
	Freshness *Freshness `json:"freshness,omitempty"`
}

// CheckReview returns everything for which nsrun refuses r, a plugin's answer to
// Review.
func CheckReview(r *ReviewReply) []Diagnostic {
	f := &faults{of: "read review"}
	f.answers(r.Diagnostics)
	f.freshness(r.Freshness)
	return f.diagnostics()
}
