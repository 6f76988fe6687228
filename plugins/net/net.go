// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/nsrun/nsrun/ns"
	"github.com/nsrun/nsrun/nsplugin"
	"github.com/nsrun/nsrun/nsplugin/nsnet"
	"github.com/nsrun/nsrun/nsplugin/nsnet/bridge"
)

// network is the plugin. Its fields are the options.
type network struct {
	nsnet.SubnetOption
	nsnet.PublishOption
	nsnet.AddressOptions
	nsnet.MACOption
	nsnet.MTUOption
	nsnet.NameOptions
	nsnet.BandwidthOption
	Network string   `option:"network" args:"NAME|FILE" help:"CNI network to join; without it a bridge of nsrun's own"`
	NAT     string   `option:"nat" help:"how nsrun's own bridge translates addresses" default:"auto" enum:"auto,nftables,iptables"`
	ConfDir string   `option:"cni-conf-dir" type:"path" args:"DIR" help:"where networks are configured" default:"/etc/cni/net.d"`
	BinDir  []string `option:"cni-bin-dir" type:"path" args:"DIR" help:"more CNI plugins, searched after those of nsrun"`

	// bundled is where the CNI plugins are that come with nsrun; "" for the
	// directory beside that of this program.
	bundled string
}

// pluginVersion is the plugin's own version.
const pluginVersion = "0.1.0"

// purpose is what a caller without privilege can't do.
const purpose = "attach to a CNI network"

// Describe says what the plugin is.
func (n *network) Describe() nsplugin.Info {
	return nsplugin.Info{
		Name:     "net",
		Version:  pluginVersion,
		Summary:  "network namespace attached to a CNI network, by default a bridge with published ports",
		Kinds:    []ns.Kind{ns.Net},
		Features: nsnet.Features(n, "bridge", "cni"),
	}
}

// Negotiate checks everything that can be known before anything starts, and
// reports all that is wrong at once.
func (n *network) Negotiate(_ context.Context, req *ns.Request) (*ns.Offer, error) {
	if !slices.Contains(req.Owns, ns.Net) {
		return &ns.Offer{}, nil
	}
	if err := nsnet.CheckPrivileged(req.Facts, purpose); err != nil {
		return nil, err
	}
	w, err := n.resolve(req)
	if err == nil {
		err = w.free()
	}
	if err != nil {
		return nil, err
	}
	offer := nsnet.NewOffer()
	offer.Pin, offer.Diagnostics = []ns.Kind{ns.Net}, w.forwardWarning()
	w.names.Offer(req, offer)
	return offer, nil
}

// PreExec attaches the sandbox to the network.
func (n *network) PreExec(ctx context.Context, req *ns.HookRequest) (*ns.HookReply, error) {
	w, err := n.resolve(&req.Request)
	if err != nil {
		return nil, err
	}
	a, err := w.attachment(req)
	if err != nil {
		return nil, err
	}
	if err := a.save(); err != nil {
		return nil, nsplugin.Errorf("keep the attachment of run %s: %w", req.RunID, err)
	}
	if err := nsnet.HostPorts.Take(req.RunID, req.RunName, w.ports); err != nil {
		return nil, err
	}
	if err := w.guardLoopback(req.RunID); err != nil {
		return nil, w.explain(err)
	}
	w.repairLeases()
	w.mendBridge()
	result, err := a.add(ctx)
	if err == nil {
		err = w.reachable(result)
	}
	if err == nil {
		err = w.openToSiblings(ctx, req.RunID, result)
	}
	if err != nil {
		return nil, w.explain(err) // PostExec follows, and undoes what is left
	}
	return w.reply(req, a, result)
}

// PostExec detaches the sandbox. What to undo comes from PreExec's answer, or from
// what PreExec wrote down if it was cut short.
func (n *network) PostExec(ctx context.Context, req *ns.HookRequest) error {
	a, err := recall(req)
	if err != nil {
		return err
	}
	// First: while the sandbox has its address, no other one can have it.
	if err := bridge.Dismiss(req.RunID); err != nil {
		return nsplugin.Errorf("close the way of run %s to the host's loopback: %w", req.RunID, err).WithHint("nsctl gc tries again")
	}
	if a != nil {
		if err := a.remove(ctx); err != nil {
			return nsplugin.Errorf("detach run %s from network %s: %s", req.RunID, a.Network, oneLine(err.Error())).
				WithHint("nsctl gc tries again")
		}
	}
	return nsnet.HostPorts.Drop(req.RunID)
}

// recall finds out what PreExec attached the run to. It returns nil if PreExec
// did nothing: the record comes first, so without a whole one there is nothing.
func recall(req *ns.HookRequest) (*attachment, error) {
	if len(req.State) > 0 {
		return decodeAttachment(req.State)
	}
	data, err := os.ReadFile(filepath.Join(attachmentDir(req), recordFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, nsplugin.Errorf("read the attachment of run %s: %w", req.RunID, err)
	}
	if a, err := decodeAttachment(data); err == nil {
		return a, nil
	}
	return nil, nil
}

// attachmentDir is where the run's attachment keeps its files.
func attachmentDir(req *ns.HookRequest) string { return filepath.Join(req.StateDir, "cni") }
