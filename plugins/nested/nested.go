// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"slices"

	"github.com/nsrun/nsrun/ns"
	"github.com/nsrun/nsrun/nsplugin"
	"github.com/nsrun/nsrun/nsplugin/nsnet"
	"github.com/nsrun/nsrun/nsplugin/nsnet/bridge"
)

// nested is the plugin. Its fields are the options.
type nested struct{ bridge.Options }

// Describe says what the plugin is.
func (n *nested) Describe() nsplugin.Info {
	return nsplugin.Info{
		Name:     "nested",
		Version:  "0.1.0",
		Summary:  "bridge without root, which a user's runs share, behind pasta",
		Kinds:    []ns.Kind{ns.Net},
		Features: nsnet.Features(n, "bridge", nsnet.FeatureUpdate),
	}
}

// wish is what the options come to.
type wish struct {
	*bridge.Wish
	names  *nsnet.Names
	ownDNS bool // the user named the servers
}

// resolve reads the options. It returns all that is wrong with them, joined.
func (n *nested) resolve() (*wish, error) {
	w, names, err := n.Wish()
	if w == nil {
		return nil, err
	}
	if w.MTU == 0 {
		w.MTU = defaultMTU
	}
	return &wish{w, names, len(n.DNS) > 0}, errors.Join(err, w.Check(), nsnet.CheckTCPAndUDP("net=nested", "publish", w.Ports))
}

// Negotiate checks everything that can be known before anything starts.
func (n *nested) Negotiate(_ context.Context, req *ns.Request) (*ns.Offer, error) {
	if !slices.Contains(req.Owns, ns.Net) {
		return &ns.Offer{}, nil
	}
	w, err := n.resolve()
	if err == nil {
		err = errors.Join(checkUplink(), nsnet.CheckFree(w.Ports))
	}
	if err != nil {
		return nil, err
	}
	offer := nsnet.NewOffer()
	offer.Wants = append(offer.Wants, ns.User) // whose root may have interfaces made there
	w.names.Offer(req, offer)
	return offer, nil
}

// Check says whether the network can work on this host, and how many addresses the runs
// have that are on it.
func (n *nested) Check(ctx context.Context, _ ns.Facts) ([]ns.Diagnostic, error) {
	var found nsnet.Findings
	u, err := findUplink()
	found.Tell(err, "uplink "+u.program)
	found.Tell(nsnet.CheckTun("net=nested"), "device "+nsnet.TunDevice)
	found.Tell(checkTables(), "nftables of the kernel")
	w, err := n.resolve()
	if err != nil {
		return nil, err
	}
	return append(found, checkPools(ctx, w.Wish)...), nil
}

// PreExec connects the sandbox to the network, and makes the network if there is none.
func (n *nested) PreExec(ctx context.Context, req *ns.HookRequest) (*ns.HookReply, error) {
	w, err := n.resolve()
	if err != nil {
		return nil, err
	}
	conn, a, err := attach(ctx, req, w.Wish)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	b := bridge.Box{Addresses: a.Addresses}
	tap, mac, err := equipBox(req, box{Addresses: a.Addresses, MAC: w.MAC, MTU: w.MTU})
	if err != nil {
		return nil, nsplugin.Errorf("add an interface to the sandbox: %w", err)
	}
	defer tap.Close()
	if _, err := converse(ctx, conn, call{Call: connectCall}, tap); err != nil {
		return nil, lost(err)
	}
	b.MAC = mac
	reply := &ns.HookReply{Results: b.Results(w.Wish), State: []byte(a.Network)}
	// The bridge's address is that of the network's own namespace, not the host's.
	place := nsnet.Place{Addresses: b.Place().Addresses}
	if !w.ownDNS && len(nsnet.HostDNS().Servers) == 0 {
		for _, s := range a.Servers {
			place.DNS.Servers = append(place.DNS.Servers, s.String())
		}
	}
	w.names.Reply(req, place, reply)
	return reply, nil
}

// PostExec takes the sandbox off the network, which ends with the last one.
func (n *nested) PostExec(ctx context.Context, req *ns.HookRequest) error { return detach(ctx, req) }
