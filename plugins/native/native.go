// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"net"
	"slices"

	"github.com/nsrun/nsrun/ns"
	"github.com/nsrun/nsrun/nsplugin"
	"github.com/nsrun/nsrun/nsplugin/nsnet"
)

// native is the plugin. Its fields are the options.
type native struct {
	nsnet.SubnetOption
	nsnet.PublishOption
	nsnet.AddressOptions
	nsnet.MACOption
	nsnet.MTUOption
	nsnet.NameOptions
	nsnet.BandwidthOption
	nsnet.IsolateOption
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
		Features: nsnet.Features(n, "bridge"),
	}
}

// wish is what the options come to.
type wish struct {
	network network
	ports   []nsnet.Mapping
	ips     []nsnet.Address
	mac     net.HardwareAddr
	mtu     int
	limits  nsnet.Bandwidth
	names   *nsnet.Names
	isolate bool
}

// resolve reads the options. It returns all that is wrong with them, joined.
func (n *native) resolve() (*wish, error) {
	w := &wish{isolate: n.Isolate}
	errs := make([]error, 7)
	w.ports, errs[0] = n.Ports()
	w.ips, errs[1] = n.Addresses()
	w.mac, errs[2] = n.HardwareAddr()
	w.limits, errs[3] = n.Limits()
	w.names, errs[4] = n.Names()
	subnets, err := n.Subnets(standardSubnet)
	if err != nil {
		return nil, errors.Join(append(errs, err)...)
	}
	w.network = newNetwork(subnets)
	w.mtu, errs[5] = n.Bytes(subnets.Speaks(false))
	errs[6] = nsnet.CheckRouted(w.ports)
	return w, errors.Join(append(errs, subnets.CheckWishes(w.ips, w.ports), oneOfAFamily(w.ips))...)
}

// oneOfAFamily returns an error if two of the addresses are of one family: the
// sandbox has one interface with one address of each.
func oneOfAFamily(ips []nsnet.Address) error {
	have := map[bool]nsnet.Address{}
	for _, a := range ips {
		if other, twice := have[a.Is4()]; twice {
			return nsplugin.Errorf("%s %s: the sandbox has %s already", a.Option, a, other).
				WithOption(a.Option).WithHint("one address of each family")
		}
		have[a.Is4()] = a
	}
	return nil
}

// free returns an error for each thing on the host that is in the way.
func (w *wish) free() error {
	errs := []error{nsnet.CheckFree(w.ports)}
	if problem, hint := w.network.subnets.BridgeProblem(w.network.device); problem != "" {
		errs = append(errs, nsplugin.Errorf("attach to bridge %s: %s", w.network.device, problem).WithHint(hint))
	}
	return errors.Join(errs...)
}

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
	offer.Pin, offer.Diagnostics = []ns.Kind{ns.Net}, forwardWarning(w.network.device)
	w.names.Offer(req, offer)
	return offer, nil
}

// Check says whether the bridge can work on this host.
func (n *native) Check(_ context.Context, facts ns.Facts) ([]ns.Diagnostic, error) {
	if err := nsnet.CheckPrivileged(facts, purpose); err != nil {
		return nil, err
	}
	w, err := n.resolve()
	if err == nil {
		err = errors.Join(w.free(), checkTables())
	}
	if err != nil {
		return nil, err
	}
	return forwardWarning(w.network.device), nil
}

// PreExec attaches the sandbox to the bridge.
func (n *native) PreExec(_ context.Context, req *ns.HookRequest) (*ns.HookReply, error) {
	w, err := n.resolve()
	if err != nil {
		return nil, err
	}
	if err := nsnet.HostPorts.Take(req.RunID, req.RunName, w.ports); err != nil {
		return nil, err
	}
	k, err := openKernel()
	if err != nil {
		return nil, err
	}
	defer k.close()
	box, err := w.attach(k, req)
	if err != nil {
		return nil, explain(w.network, err) // PostExec follows, and undoes what is left
	}
	state, err := box.encode(w.network)
	if err != nil {
		return nil, err
	}
	reply := &ns.HookReply{Results: box.results(w), State: state}
	w.names.Reply(req, box.place(), reply)
	return reply, nil
}

// PostExec detaches the sandbox. Without PreExec's state, all that there is to undo is
// found by the run's id, so that it doesn't matter how far PreExec came.
func (n *native) PostExec(_ context.Context, req *ns.HookRequest) error {
	k, err := openKernel()
	if err != nil {
		return err
	}
	defer k.close()
	r, err := n.recall(req)
	if err == nil {
		err = detach(k, r)
	}
	if err != nil {
		return nsplugin.Errorf("detach run %s: %w", req.RunID, err).WithHint("nsctl gc tries again")
	}
	return nsnet.HostPorts.Drop(req.RunID)
}
