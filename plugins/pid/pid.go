// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"

	"github.com/nsrun/nsrun/ns"
	"github.com/nsrun/nsrun/nsplugin"
)

// pid is the plugin, with its options.
type pid struct {
	Init bool `option:"init" help:"keep an init as pid 1 that reaps and passes signals on; --init=false makes the command pid 1" default:"true"`
}

// Describe returns what the plugin says of itself.
func (*pid) Describe() nsplugin.Info {
	return nsplugin.Info{
		Name:    "pid",
		Version: "0.1.0",
		Summary: "process ids of its own, with an init as pid 1",
		Kinds:   []ns.Kind{ns.PID},
	}
}

// Negotiate offers the namespace and its init. A /proc that fits is the
// business of whoever owns the mounts.
func (p *pid) Negotiate(_ context.Context, req *ns.Request) (*ns.Offer, error) {
	offer := &ns.Offer{Kinds: req.Owns, Freshness: &ns.Freshness{}}
	if p.Init {
		offer.Steps = []ns.Step{nsplugin.Init()}
	}
	if !req.Has(ns.Mount) {
		offer.Diagnostics = []ns.Diagnostic{*outerProc()}
	}
	return offer, nil
}

// outerProc says what a user of ps(1) would otherwise wonder about.
func outerProc() *ns.Diagnostic {
	return nsplugin.Noticef("/proc still shows the processes outside").
		WithDetail("a proc file system shows the pid namespace that it was mounted in, and without a mount namespace there is no place for a new one").
		WithHint("add mount to --plugins")
}
