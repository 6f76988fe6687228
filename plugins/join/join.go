// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"path/filepath"
	"slices"
	"strings"

	"github.com/nsrun/nsrun/ns"
	"github.com/nsrun/nsrun/nsplugin"
)

// join is the plugin, with its option.
type join struct {
	NetNS string `option:"netns,required" args:"PATH|run:NAME" help:"network namespace to enter: a file such as /run/netns/NAME, or that of another run"`
}

// Describe returns what the plugin says of itself.
func (*join) Describe() nsplugin.Info {
	return nsplugin.Info{
		Name:    "join",
		Version: "0.1.0",
		Summary: "a network that exists: that of another run, or of ip-netns(8)",
		Kinds:   []ns.Kind{ns.Net},
	}
}

// Negotiate offers to join. Whether there is such a namespace, and whose it is,
// nsrun checks when it opens it: what is there now may be another one by then.
func (j *join) Negotiate(_ context.Context, req *ns.Request) (*ns.Offer, error) {
	if !slices.Contains(req.Owns, ns.Net) {
		return &ns.Offer{}, nil
	}
	source := j.NetNS
	name, isRun := strings.CutPrefix(source, ns.RunPrefix)
	switch {
	case source == "" || isRun && name == "":
		return nil, nsplugin.Errorf("join %q: no namespace is named", source).WithOption("netns").
			WithHint("--netns PATH, as in /run/netns/NAME, or --netns run:NAME")
	case !isRun && !filepath.IsAbs(source):
		source = filepath.Join(req.Facts.Dir, source)
	case !isRun:
		source = filepath.Clean(source)
	}
	return &ns.Offer{
		Joins:     []ns.Join{{Kind: ns.Net, Source: source}},
		Freshness: &ns.Freshness{},
	}, nil
}
