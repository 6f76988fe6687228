// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"net/netip"
	"slices"

	"github.com/nsrun/nsrun/ns"
	"github.com/nsrun/nsrun/nsplugin"
	"github.com/nsrun/nsrun/nsplugin/nsnet"
	"github.com/nsrun/nsrun/nsplugin/nsnet/bridge"
	"github.com/nsrun/nsrun/nsplugin/nsnet/firewall"
)

// native is the plugin. Its fields are the options.
type native struct {
	bridge.Options
	nsnet.AllowHostOption
}

// pluginVersion is the plugin's own version.
const pluginVersion = "0.1.0"

// purpose is what a caller without privilege can't do.
const purpose = "attach to a bridge"

// Describe says what the plugin is.
func (n *native) Describe() nsplugin.Info {
	return nsplugin.Info{
		Name:     "native",
		Version:  pluginVersion,
		Summary:  "network namespace on a bridge with published ports, by netlink and nftables alone",
		Kinds:    []ns.Kind{ns.Net},
		Features: nsnet.Features(n, "bridge", nsnet.FeatureUpdate),
	}
}

// wish is what the options come to.
type wish struct {
	*bridge.Wish
	names *nsnet.Names
}

// resolve reads the options. It returns all that is wrong with them, joined.
func (n *native) resolve() (*wish, error) {
	w, names, err := n.Wish()
	allowed, more := n.Loopback()
	err = errors.Join(err, more)
	if w == nil {
		return nil, err
	}
	for _, m := range allowed {
		m.HostIP = netip.AddrFrom4([4]byte{127, 0, 0, 1})
		w.Loopback = append(w.Loopback, m)
	}
	return &wish{w, names}, errors.Join(err, nsnet.CheckRouted(w.Ports), w.Check())
}

// leadToResolver leads the sandbox to a name server on the host's loopback, if it needs
// that, by the host's address on the bridge. It returns what the network says of name
// servers, or why it leads to none.
func (w *wish) leadToResolver(req *ns.HookRequest) (dns nsnet.Resolv, why string) {
	server, needed := w.names.LoopbackResolver(req)
	if !needed {
		return dns, ""
	}
	i := slices.IndexFunc(w.Subnets, func(s netip.Prefix) bool { return s.Addr().Is4() })
	if i < 0 {
		return dns, nsnet.OnlyByIPv4
	}
	for _, led := range nsnet.ResolverPorts(server) {
		allowed := func(m nsnet.Mapping) bool { return m.Port == led.Port && m.Protocol == led.Protocol }
		w.Loopback = append(slices.DeleteFunc(w.Loopback, allowed), led)
	}
	return nsnet.Resolv{Servers: []string{nsnet.Gateway(w.Subnets[i]).String()}}, ""
}

// free returns an error for each thing on the host that is in the way.
func (w *wish) free() error { return errors.Join(nsnet.CheckFree(w.Ports), w.CheckHost()) }

// Negotiate checks everything that can be known before anything starts, and
// reports all that is wrong at once.
func (n *native) Negotiate(_ context.Context, req *ns.Request) (*ns.Offer, error) {
	if !slices.Contains(req.Owns, ns.Net) {
		return &ns.Offer{}, nil
	}
	if err := nsnet.CheckPrivileged(req.Facts, purpose); err != nil {
		return nil, err
	}
	w, err := n.resolve()
	if err == nil {
		err = w.free()
	}
	if err != nil {
		return nil, err
	}
	offer := nsnet.NewOffer()
	offer.Pin, offer.Diagnostics = []ns.Kind{ns.Net}, firewall.ForwardWarning(w.Device())
	w.names.Offer(req, offer)
	return offer, nil
}

// Check says whether the bridge can work on this host, and how it is.
func (n *native) Check(_ context.Context, facts ns.Facts) ([]ns.Diagnostic, error) {
	if err := nsnet.CheckPrivileged(facts, purpose); err != nil {
		return nil, err
	}
	w, err := n.resolve()
	if err != nil {
		return nil, err
	}
	return append(w.CheckHealth(), firewall.ForwardWarning(w.Device())...), nil
}

// PreExec attaches the sandbox to the bridge.
func (n *native) PreExec(_ context.Context, req *ns.HookRequest) (*ns.HookReply, error) {
	w, err := n.resolve()
	if err != nil {
		return nil, err
	}
	if err := nsnet.HostPorts.Take(req.RunID, req.RunName, w.Ports); err != nil {
		return nil, err
	}
	dns, why := w.leadToResolver(req)
	k, err := bridge.Open()
	if err != nil {
		return nil, err
	}
	defer k.Close()
	box, err := w.Attach(k, bridge.Run{ID: req.RunID, Name: req.RunName}, req.Paths[ns.Net])
	if err != nil {
		return nil, w.Explain(err, nsnet.Living(req)) // PostExec follows, and undoes what is left
	}
	state, err := box.State(w.Wish)
	if err != nil {
		return nil, err
	}
	reply := &ns.HookReply{Results: box.Results(w.Wish), State: state}
	place := box.Place()
	place.DNS, place.NoResolver = dns, why
	w.names.Reply(req, place, reply)
	return reply, nil
}

// Update changes the ports that the sandbox has published.
func (n *native) Update(_ context.Context, req *ns.HookRequest) (*ns.HookReply, error) {
	change, err := n.Change(req)
	n.Publish = change.Publish
	w, more := n.resolve()
	if err := errors.Join(err, more, change.CheckFree(req.RunID)); err != nil {
		return nil, err
	}
	k, err := bridge.Open()
	if err != nil {
		return nil, err
	}
	defer k.Close()
	reply := change.Reply(req)
	if reply.State, err = w.Republish(k, bridge.Run{ID: req.RunID, Name: req.RunName}, req.State, change); err != nil {
		return nil, nsplugin.Errorf("change published ports: %w", err).WithHint("end the run and start it again: nothing is repaired while it runs")
	}
	if err := k.ForgetChanged(change); err != nil {
		reply.Diagnostics = append(reply.Diagnostics, *nsplugin.Warnf("%w", err))
	}
	return reply, nil
}

// CheckRun says whether the sandbox's place on the bridge is as PreExec made it.
func (n *native) CheckRun(_ context.Context, req *ns.HookRequest) ([]ns.Diagnostic, error) {
	w, err := n.resolve()
	if err != nil {
		return nil, err
	}
	k, err := bridge.Open()
	if err != nil {
		return nil, err
	}
	defer k.Close()
	return w.CheckRun(k, req.RunID, req.Paths[ns.Net], req.State)
}

// PostExec detaches the sandbox. Without PreExec's state, all that there is to undo is
// found by the run's id, so that it doesn't matter how far PreExec came.
func (n *native) PostExec(_ context.Context, req *ns.HookRequest) error {
	k, err := bridge.Open()
	if err != nil {
		return err
	}
	defer k.Close()
	// The options were read before, in PreExec.
	ports, _ := n.Ports()
	subnets, _ := n.Subnets(bridge.StandardSubnet)
	w := bridge.Wish{Subnets: subnets, Ports: ports, Isolate: n.Isolate}
	if err := w.Detach(k, req.RunID, req.State); err != nil {
		return nsplugin.Errorf("detach run %s: %w", req.RunID, err).WithHint("nsctl gc tries again")
	}
	return nsnet.HostPorts.Drop(req.RunID)
}
