// SPDX-License-Identifier: Apache-2.0

package bridge

import (
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"

	"github.com/vishvananda/netlink"

	"github.com/nsrun/nsrun/ns"
	"github.com/nsrun/nsrun/nsplugin"
	"github.com/nsrun/nsrun/nsplugin/nsnet"
)

// CheckHealth tells whether runs with the wish can have a place on its bridge, and how
// the networks that are there are. It changes nothing.
func (w *Wish) CheckHealth() (f nsnet.Findings) {
	f.Tell(CheckTables(), "nftables of the kernel")
	k, err := Open()
	if err != nil {
		f.Tell(nsplugin.Errorf("%w", err), "")
		return f
	}
	defer k.Close()
	f = append(f, w.checkDevice(k)...)
	return append(f, w.CheckPools(k, nil)...)
}

// checkDevice tells of the wish's bridge. What is wrong with one that is there, the next
// run repairs; until then it is the trouble of those that are on it.
func (w *Wish) checkDevice(k *Kernel) (f nsnet.Findings) {
	n := w.network()
	name := "network " + n.device
	if err := w.CheckHost(); err != nil {
		f.Tell(nsplugin.Errorf("%s: %w", name, err).WithHint(hintOf(err)), "")
		return f
	}
	if _, err := k.links.LinkByName(n.device); err != nil {
		f.Tell(nil, fmt.Sprintf("%s: nothing is in the way of bridge %s with %s, which the first run makes", name, n.device, n.subnets))
		return f
	}
	k.checkBridge(&f, n)
	for i := range f {
		f[i].Summary = name + ": " + f[i].Summary
		if f[i].Severity == ns.Error {
			f[i].Severity, f[i].Hint = ns.Warning, "start a run: it mends the bridge"
		}
	}
	return f
}

func hintOf(err error) string {
	d, _ := errors.AsType[*ns.Diagnostic](err)
	return d.Hint
}

// CheckPools tells of the addresses of the wish's network, and of all others that have
// leases. Whether a run that has one lives, living says; nil asks for root's runs.
func (w *Wish) CheckPools(k *Kernel, living func(runID string) bool) (f nsnet.Findings) {
	all := networks()
	own := w.network()
	all[own.device] = own.leases()
	for _, device := range slices.Sorted(maps.Keys(all)) {
		subnets := own.subnets
		if device != own.device {
			subnets = k.subnetsOf(device)
		}
		found := poolsOf(device, subnets, all[device], living)
		if device != own.device {
			found = found.Soften()
		}
		f = append(f, found...)
	}
	return f
}

// subnetsOf are the networks of a bridge, as its addresses have them.
func (k *Kernel) subnetsOf(device string) (subnets nsnet.Subnets) {
	link, err := k.links.LinkByName(device)
	if err != nil {
		return nil
	}
	have, _ := k.links.AddrList(link, netlink.FAMILY_ALL)
	for _, a := range have {
		p, err := netip.ParsePrefix(a.IPNet.String())
		if err == nil && !p.Addr().IsLinkLocalUnicast() {
			subnets = append(subnets, p.Masked())
		}
	}
	return subnets
}

// poolsOf tells of the leases in each subnet.
func poolsOf(device string, subnets nsnet.Subnets, dir leases, living func(runID string) bool) (f nsnet.Findings) {
	addresses, err := dir.addresses()
	if err != nil {
		f.Tell(nsplugin.Errorf("network %s: read its leases: %w", device, err), "")
		return f
	}
	for _, s := range subnets {
		p := nsnet.Pool{Network: device, Subnet: s, Living: living}
		for _, a := range addresses {
			if h, leased := dir.holder(a); leased && s.Contains(a) {
				p.Holders = append(p.Holders, h.ID)
			}
		}
		f = append(f, *p.Finding())
	}
	return f
}
