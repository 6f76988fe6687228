// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"net"
	"net/netip"

	"golang.org/x/sys/unix"

	"github.com/nsrun/nsrun/ns"
	"github.com/nsrun/nsrun/nsplugin"
	"github.com/nsrun/nsrun/nsplugin/nsnet"
)

// box is a sandbox that has been attached.
type box struct {
	addresses []netip.Prefix
	mac       net.HardwareAddr
}

// attach gives the run's sandbox its place on the bridge.
func (w *wish) attach(k *kernel, req *ns.HookRequest) (*box, error) {
	p := pair{runID: req.RunID, netns: req.Paths[ns.Net], mac: w.mac, mtu: w.mtu}
	b := &box{}
	var err error
	// The lease comes first: it keeps the bridge and the table in being.
	if b.addresses, p.bridge, err = w.prepare(k, holder{req.RunID, req.RunName}); err != nil {
		return nil, err
	}
	link, err := k.addPair(p)
	if err != nil {
		return nil, err
	}
	if err := k.limit(link, req.RunID, w.limits); err != nil {
		return nil, err
	}
	if b.mac, err = configure(p.netns, b.addresses); err != nil {
		return nil, err
	}
	if err := k.awaitUp(link.Attrs().Name, w.network.device); err != nil {
		return nil, err
	}
	return b, k.forgetOld(w.ports)
}

// prepare leases addresses, makes what all sandboxes share, and the rules.
func (w *wish) prepare(k *kernel, who holder) (addresses []netip.Prefix, bridge int, err error) {
	unlock, err := lock()
	if err != nil {
		return nil, 0, err
	}
	defer unlock()
	if addresses, err = w.network.leases().allot(w.network.subnets, w.ips, who); err != nil {
		return nil, 0, err
	}
	if bridge, err = k.ensureNetwork(w.network); err != nil {
		return nil, 0, err
	}
	var plain []netip.Addr
	for _, p := range addresses {
		plain = append(plain, p.Addr())
	}
	return addresses, bridge, k.addElements(who.RunID, plain, w.ports, w.isolate)
}

// place says where the sandbox is.
func (b *box) place() nsnet.Place {
	var place nsnet.Place
	for _, p := range b.addresses {
		place.Addresses = append(place.Addresses, p.Addr())
		place.Gateways = append(place.Gateways, nsnet.Gateway(p.Masked()))
	}
	return place
}

// results are what `nsctl inspect` shows of the network.
func (b *box) results(w *wish) map[string]string {
	place := b.place()
	return nsnet.Results(map[string]string{
		"network":   w.network.device,
		"interface": nsnet.Interface,
		"address":   nsnet.AddressesText(place.Addresses),
		"gateway":   nsnet.AddressesText(place.Gateways),
		"mac":       b.mac.String(),
		"ports":     nsnet.PortsText(w.ports),
	})
}

// explain puts a failed attach into the user's words.
func explain(n network, err error) error {
	d := nsplugin.Errorf("attach to bridge %s: %w", n.device, err)
	var exhausted *exhaustedError
	var taken *takenError
	switch {
	case errors.As(err, &exhausted):
		d.WithHint("end other runs, or nsctl gc for those that were killed; --subnet with a larger network")
	case errors.As(err, &taken):
		d.WithHint("another --ip, or none").WithOption("ip")
	case errors.Is(err, unix.EOPNOTSUPP):
		d.WithDetail("the kernel lacks a module: veth, bridge, ifb, sch_tbf or nf_tables").WithHint("--plugins net")
	}
	return d
}
