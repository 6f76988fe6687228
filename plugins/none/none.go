// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"

	"github.com/nsrun/nsrun/ns"
	"github.com/nsrun/nsrun/nsplugin"
)

// none is the plugin. It has no options.
type none struct{}

// Describe returns what the plugin says of itself.
func (*none) Describe() nsplugin.Info {
	return nsplugin.Info{
		Name:    "none",
		Version: "0.1.0",
		Summary: "a network of nothing but the loopback interface",
		Kinds:   []ns.Kind{ns.Net},
	}
}

// Negotiate offers the namespace with its loopback interface up: in a new
// namespace lo is there but down, and programs expect 127.0.0.1 to work.
func (*none) Negotiate(_ context.Context, req *ns.Request) (*ns.Offer, error) {
	return &ns.Offer{
		Kinds:     req.Owns,
		Steps:     []ns.Step{nsplugin.LinkUp("lo")},
		Freshness: &ns.Freshness{},
	}, nil
}
