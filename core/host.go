// SPDX-License-Identifier: Apache-2.0

// Package core runs a command under the plan that its plugins agree on. [Run]
// is the story; the packages below it do the parts.
package core

import (
	"context"

	"github.com/nsrun/nsrun/core/find"
	"github.com/nsrun/nsrun/ns"
)

// Host talks to plugins. It starts a plugin's process at the first call that
// needs it, and may stop and start it between calls. Every method can be called
// from several goroutines at once, and returns within its deadline whatever the
// plugin does. Errors are *ns.Diagnostic, with the plugin's name filled in.
type Host interface {
	// Describe returns what the plugin says of itself, checked.
	Describe(ctx context.Context, p find.Plugin) (*ns.Descriptor, error)
	// Negotiate asks for the plugin's offer.
	Negotiate(ctx context.Context, p find.Plugin, req *ns.Request) (*ns.Offer, error)
	// Hook calls the plugin at a point of the run.
	Hook(ctx context.Context, p find.Plugin, req *ns.HookRequest) (*ns.HookReply, error)
	// Check asks whether the plugin can work on this host.
	Check(ctx context.Context, p find.Plugin, facts ns.Facts) ([]ns.Diagnostic, error)
	// Digest returns the SHA-256 of the plugin's file in hexadecimal digits, without
	// executing it.
	Digest(ctx context.Context, p find.Plugin) (string, error)
	// Review asks whether a run may start.
	Review(ctx context.Context, p find.Plugin, req *ns.ReviewRequest) (*ns.ReviewReply, error)
	// Close stops every plugin process. It may return before they are gone, but
	// then makes sure that they go. A later call starts anew.
	Close() error
}
