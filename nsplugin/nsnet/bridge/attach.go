// SPDX-License-Identifier: Apache-2.0

package bridge

import (
	"errors"
	"net"
	"net/netip"

	"golang.org/x/sys/unix"

	"github.com/nsrun/nsrun/nsplugin"
	"github.com/nsrun/nsrun/nsplugin/nsnet"
)

// Box is a sandbox that has a place on a bridge.
type Box struct {
	// Addresses are its own, with the length of their networks' prefixes.
	Addresses []netip.Prefix
	// MAC is its hardware address.
	MAC net.HardwareAddr

	bridge int // index
}

// Attach gives the run's sandbox, whose network namespace is the file netns, its place
// on the bridge.
func (w *Wish) Attach(k *Kernel, who Run, netns string) (*Box, error) {
	// The lease comes first: it keeps the bridge and the table in being.
	b, err := w.Lease(k, who)
	if err != nil {
		return nil, err
	}
	if err := k.addPair(pair{runID: who.ID, netns: netns, mac: w.MAC, mtu: w.MTU}); err != nil {
		return nil, err
	}
	if err := w.Plug(k, who, b); err != nil {
		return nil, err
	}
	if b.MAC, err = Configure(netns, b.Addresses); err != nil {
		return nil, err
	}
	if err := k.AwaitUp(HostEnd(who.ID), w.Device()); err != nil {
		return nil, err
	}
	return b, k.forgetOld(w.Ports)
}

// Lease leases addresses, and makes what all sandboxes share, and the rules.
func (w *Wish) Lease(k *Kernel, who Run) (*Box, error) {
	unlock, err := lock()
	if err != nil {
		return nil, err
	}
	defer unlock()
	b, n := &Box{}, w.network()
	if b.Addresses, err = n.leases().allot(n.subnets, w.IPs, who); err != nil {
		return nil, err
	}
	if b.bridge, err = k.ensureNetwork(n); err != nil {
		return nil, err
	}
	return b, k.addElements(who.ID, b.plain(), w)
}

// Plug puts the interface [HostEnd] of the run, which must exist, into the bridge, and
// limits what passes.
func (w *Wish) Plug(k *Kernel, who Run, b *Box) error {
	link, err := k.plug(who.ID, b.bridge)
	if err != nil {
		return err
	}
	return k.limit(link, who.ID, w.Limits)
}

// plain are the sandbox's addresses without their networks.
func (b *Box) plain() []netip.Addr {
	all := make([]netip.Addr, len(b.Addresses))
	for i, p := range b.Addresses {
		all[i] = p.Addr()
	}
	return all
}

// Place says where the sandbox is.
func (b *Box) Place() nsnet.Place {
	place := nsnet.Place{Addresses: b.plain()}
	for _, p := range b.Addresses {
		place.Gateways = append(place.Gateways, nsnet.Gateway(p.Masked()))
	}
	return place
}

// Results are what `nsctl inspect` shows of the network.
func (b *Box) Results(w *Wish) map[string]string {
	place := b.Place()
	return nsnet.Results(map[string]string{
		"network":   w.Device(),
		"interface": nsnet.Interface,
		"address":   nsnet.AddressesText(place.Addresses),
		"gateway":   nsnet.AddressesText(place.Gateways),
		"mac":       b.MAC.String(),
		"ports":     nsnet.PortsText(w.Ports),
	})
}

// Explain puts a failed attach into the user's words. Whether a run that has an address
// lives, living says.
func (w *Wish) Explain(err error, living func(runID string) bool) error {
	d := nsplugin.Errorf("attach to bridge %s: %w", w.Device(), err)
	var exhausted *exhaustedError
	var taken *takenError
	switch {
	case errors.As(err, &exhausted):
		d.Summary = "attach to bridge " + w.Device() + ": " + nsnet.Exhausted(exhausted.subnet.String(), exhausted.holders, living)
		d.WithHint("end other runs, or nsctl gc for those that were killed; --subnet with a larger network")
	case errors.As(err, &taken):
		d.WithHint("another --ip, or none").WithOption("ip")
	case errors.Is(err, unix.EOPNOTSUPP):
		d.WithDetail("the kernel lacks a module: veth, bridge, ifb, sch_tbf or nf_tables").WithHint("--plugins net")
	}
	return d
}
