// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"golang.org/x/sys/unix"

	"github.com/nsrun/nsrun/ns"
	"github.com/nsrun/nsrun/nsplugin"
)

// network is the plugin. Its fields are the options.
type network struct {
	Network   string   `option:"network" args:"NAME|FILE" help:"CNI network to join; without it a bridge of nsrun's own"`
	Subnet    []string `option:"subnet" args:"CIDR" help:"network of nsrun's own bridge, one IPv4 and one IPv6 (10.177.0.0/16)"`
	NAT       string   `option:"nat" help:"how nsrun's own bridge translates addresses" default:"auto" enum:"auto,nftables,iptables"`
	Publish   []string `option:"publish" short:"p" args:"[IP:]HOST:PORT[/PROTO]" help:"make a port of the sandbox a port of the host"`
	IP        []string `option:"ip" args:"ADDRESS" help:"address of the sandbox"`
	MAC       string   `option:"mac" args:"ADDRESS" help:"hardware address of the sandbox"`
	DNS       []string `option:"dns" args:"ADDRESS" help:"name server, instead of the host's"`
	DNSSearch []string `option:"dns-search" args:"DOMAIN" help:"domain in which short names are looked up"`
	ConfDir   string   `option:"cni-conf-dir" type:"path" args:"DIR" help:"where networks are configured" default:"/etc/cni/net.d"`
	BinDir    []string `option:"cni-bin-dir" type:"path" args:"DIR" help:"more CNI plugins, searched after those of nsrun"`
}

// version is the plugin's own version.
const pluginVersion = "0.1.0"

// interfaceName is the sandbox's interface; what people expect to see.
const interfaceName = "eth0"

// Describe says what the plugin is.
func (*network) Describe() nsplugin.Info {
	return nsplugin.Info{
		Name:     "net",
		Version:  pluginVersion,
		Summary:  "network namespace attached to a CNI network, by default a bridge with published ports",
		Kinds:    []ns.Kind{ns.Net},
		Features: []string{"bridge", "cni", "dns", "ip", "mac", "publish"},
	}
}

// Negotiate checks everything that can be known before anything starts, and
// reports all that is wrong at once.
func (n *network) Negotiate(_ context.Context, req *ns.Request) (*ns.Offer, error) {
	if !slices.Contains(req.Owns, ns.Net) {
		return &ns.Offer{}, nil
	}
	if err := privileged(req.Facts); err != nil {
		return nil, err
	}
	w, err := n.resolve(req)
	if err == nil {
		err = w.free()
	}
	if err != nil {
		return nil, err
	}
	offer := &ns.Offer{
		Kinds:       []ns.Kind{ns.Net},
		Steps:       []ns.Step{nsplugin.LinkUp("lo")},
		Hooks:       []ns.Point{ns.PreExec, ns.PostExec},
		Pin:         []ns.Kind{ns.Net},
		Diagnostics: w.warnings,
	}
	if w.needsFiles() {
		offer.Wants = []ns.Kind{ns.Mount}
	}
	return offer, nil
}

// privileged returns an error for a caller who can't set up a CNI network.
func privileged(facts ns.Facts) error {
	if !facts.Root() {
		return nsplugin.Errorf("attach to a CNI network: %w", unix.EPERM).
			WithDetail(fmt.Sprintf("CNI needs root, since it makes interfaces and rules on the host; this is user %d", facts.UID)).
			WithHint("--plugins net=none, which has lo only")
	}
	for name, bit := range map[string]uint{"CAP_NET_ADMIN": unix.CAP_NET_ADMIN, "CAP_SYS_ADMIN": unix.CAP_SYS_ADMIN} {
		if !capable(bit) {
			return nsplugin.Errorf("attach to a CNI network: %w", unix.EPERM).
				WithDetail("CNI needs the capability " + name + ", which root lacks here").
				WithHint("--plugins net=none, which has lo only")
		}
	}
	return nil
}

// capable reports whether this process has a capability; capabilities(7).
func capable(bit uint) bool {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if err := unix.Capget(&header, &data[0]); err != nil {
		return true // let the kernel refuse what it refuses
	}
	return data[bit/32].Effective&(1<<(bit%32)) != 0
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
	if err := w.reserve(req); err != nil {
		return nil, err
	}
	w.repairLeases()
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

// PostExec detaches the sandbox. What to undo comes from PreExec's answer, from
// what PreExec wrote down if it was cut short, or from the request.
func (n *network) PostExec(ctx context.Context, req *ns.HookRequest) error {
	a, err := n.recall(req)
	if err != nil {
		return err
	}
	if a.NetNS == "" {
		a.NetNS = req.Paths[ns.Net]
	}
	if err := a.remove(ctx); err != nil {
		return nsplugin.Errorf("detach run %s from network %s: %w", req.RunID, a.Network, err).
			WithHint("nsctl gc tries again")
	}
	return ports().drop(req.RunID)
}

// recall finds out what PreExec attached the run to.
func (n *network) recall(req *ns.HookRequest) (*attachment, error) {
	if len(req.State) > 0 {
		return decodeAttachment(req.State)
	}
	data, err := os.ReadFile(filepath.Join(attachmentDir(req), recordFile))
	if err == nil {
		// Half a record means that nothing came after it.
		if a, err := decodeAttachment(data); err == nil {
			return a, nil
		}
	}
	w, err := n.resolve(&req.Request)
	if err != nil {
		return nil, err
	}
	return w.attachment(req)
}

// attachmentDir is where the run's attachment keeps its files.
func attachmentDir(req *ns.HookRequest) string { return filepath.Join(req.StateDir, "cni") }

// ports are the ports that all runs on this host have published.
func ports() reservations { return reservations(filepath.Join(runDir, "ports")) }
