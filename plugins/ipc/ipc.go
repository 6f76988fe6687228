// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"

	"github.com/nsrun/nsrun/ns"
	"github.com/nsrun/nsrun/nsplugin"
)

// ipc is the plugin. It has no options.
type ipc struct{}

// Describe returns what the plugin says of itself.
func (*ipc) Describe() nsplugin.Info {
	return nsplugin.Info{
		Name:    "ipc",
		Version: "0.1.0",
		Summary: "System V IPC objects and POSIX message queues of its own",
		Kinds:   []ns.Kind{ns.IPC},
	}
}

// Negotiate offers the namespace and, where mounts are the command's own, the
// file system of its message queues.
func (*ipc) Negotiate(_ context.Context, req *ns.Request) (*ns.Offer, error) {
	offer := &ns.Offer{Kinds: req.Owns, Freshness: &ns.Freshness{}}
	if req.Has(ns.Mount) {
		offer.Steps = []ns.Step{mqueue()}
	}
	return offer, nil
}

// mqueue mounts the queues of the new namespace; mq_overview(7). Without it
// /dev/mqueue would go on showing those of the namespace it was mounted in. It
// is mounted once the root is the command's, where a minimal /dev has the
// directory for it; a root without one has nothing to cover.
func mqueue() ns.Step {
	mount := nsplugin.Mount("mqueue", "/dev/mqueue", "", ns.NoSUID, ns.NoDev, ns.NoExec)
	return nsplugin.Inside(nsplugin.IfExists(mount))
}
