// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"

	"github.com/nsrun/nsrun/ns"
	"github.com/nsrun/nsrun/nsplugin"
)

// host is the plugin. It has no options.
type host struct{}

// Describe returns what the plugin says of itself.
func (*host) Describe() nsplugin.Info {
	return nsplugin.Info{
		Name:    "host",
		Version: "0.1.0",
		Summary: "no network of its own: the host's, with its loopback and its ports",
		Kinds:   []ns.Kind{ns.Net},
	}
}

// Negotiate offers nothing, and says what that means.
func (*host) Negotiate(_ context.Context, req *ns.Request) (*ns.Offer, error) {
	return &ns.Offer{
		Keeps: req.Owns,
		Diagnostics: []ns.Diagnostic{*nsplugin.Noticef("the command is in the host's network").
			WithDetail("it reaches the host's loopback and abstract unix sockets, and takes the host's ports")},
		Freshness: &ns.Freshness{},
	}, nil
}
