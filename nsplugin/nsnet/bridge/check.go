// SPDX-License-Identifier: Apache-2.0

package bridge

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"

	nft "github.com/google/nftables"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/nsrun/nsrun/nsplugin"
	"github.com/nsrun/nsrun/nsplugin/nsnet"
)

// CheckRun tells of all that [Wish.Attach] made, on the host and in the sandbox, whose
// network namespace is the file netns, whether it is still there. The state is what
// [Box.State] returned. It changes nothing.
func (w *Wish) CheckRun(k *Kernel, runID, netns string, state []byte) (nsnet.Findings, error) {
	f, addresses, err := w.CheckPlace(k, runID, state)
	if err == nil {
		err = inside(netns, func() error { return w.checkInside(&f, addresses) })
	}
	return f, err
}

// CheckPlace is the part of [Wish.CheckRun] that is not in the sandbox, whose addresses
// it returns.
func (w *Wish) CheckPlace(k *Kernel, runID string, state []byte) (f nsnet.Findings, addresses []netip.Addr, err error) {
	var r record
	if err := json.Unmarshal(state, &r); err != nil {
		return nil, nil, nsplugin.Errorf("check run %s: it is not attached yet", runID)
	}
	w.checkLeases(&f, runID, &r)
	port := k.checkBridge(&f, w.network())
	f.Add(fmt.Sprintf("port %s of bridge %s", HostEnd(runID), w.Device()), k.checkPort(runID, port))
	w.checkRules(&f, k, &r, runID)
	return f, r.all(), nil
}

func (w *Wish) checkLeases(f *nsnet.Findings, runID string, r *record) {
	for device, addresses := range r.Addresses {
		for _, a := range addresses {
			f.Add("lease of "+a.String(), checkLease(network{device: device}.leases(), runID, a))
		}
	}
}

func checkLease(dir leases, runID string, a netip.Addr) error {
	switch h, leased := dir.holder(a); {
	case !leased:
		return errors.New("it is gone, so that another run can get the address")
	case h.ID != runID:
		return fmt.Errorf("run %s has it", h.Name)
	}
	return nil
}

// checkBridge tells of the network's bridge, and returns its index, or 0.
func (k *Kernel) checkBridge(f *nsnet.Findings, n network) int {
	link, err := k.checkUp(n.device)
	f.Add("bridge "+n.device, err)
	if link == nil {
		return 0
	}
	for _, s := range n.subnets {
		gateway := netip.PrefixFrom(nsnet.Gateway(s), s.Bits())
		f.Add(fmt.Sprintf("address %s of bridge %s", gateway, n.device), checkAddress(k.links, link, gateway))
	}
	return link.Attrs().Index
}

// checkUp returns an error if the interface isn't there or isn't up. It returns the
// interface if it is there.
func (k *Kernel) checkUp(name string) (netlink.Link, error) {
	link, err := k.links.LinkByName(name)
	switch {
	case isNoLink(err):
		return nil, errors.New("it is gone")
	case err != nil:
		return nil, fmt.Errorf("find it: %w", err)
	case link.Attrs().Flags&net.FlagUp == 0:
		return link, errors.New("it is down")
	}
	return link, nil
}

func (k *Kernel) checkPort(runID string, bridge int) error {
	link, err := k.checkUp(HostEnd(runID))
	if err == nil && link.Attrs().MasterIndex != bridge {
		return errors.New("it is not in the bridge")
	}
	return err
}

// checkRules tells of the elements of the table, by address and by published port.
func (w *Wish) checkRules(f *nsnet.Findings, k *Kernel, r *record, runID string) {
	for _, a := range r.all() {
		rules := Wish{Subnets: w.Subnets, Isolate: w.Isolate, Loopback: r.Loopback}
		f.Add("rules for "+a.String(), k.checkElements(runID, rules.elementsFor([]netip.Addr{a})))
		for _, m := range w.Ports {
			if set, e, ok := familyOf(a).element(m, a); ok {
				f.Add(fmt.Sprintf("port %s to %s", m, a), k.checkElements(runID, map[*nft.Set][]nft.SetElement{set: {e}}))
			}
		}
	}
}

// looks is how often a set is listed before something counts as missing: the kernel
// lists it in parts, and leaves elements out if the set changes meanwhile.
const looks = 3

// checkElements returns an error if one of the elements isn't in its set as the run's.
func (k *Kernel) checkElements(runID string, want map[*nft.Set][]nft.SetElement) error {
	there, err := k.hasTable()
	if err == nil && !there {
		err = fmt.Errorf("nftables table inet %s is gone", table.Name)
	}
	for set, elements := range want {
		if err == nil {
			err = k.checkSet(set, runID, elements)
		}
	}
	return err
}

func (k *Kernel) checkSet(set *nft.Set, runID string, want []nft.SetElement) error {
	for range looks {
		have, err := k.elementsOf(set, runID)
		if err != nil || containsAll(have, want) {
			return err
		}
	}
	return fmt.Errorf("nftables set inet %s %s lacks it", table.Name, set.Name)
}

func containsAll(have, want []nft.SetElement) bool {
	return !slices.ContainsFunc(want, func(w nft.SetElement) bool {
		return !slices.ContainsFunc(have, func(h nft.SetElement) bool {
			return bytes.Equal(h.Key, w.Key) && bytes.Equal(h.Val, w.Val)
		})
	})
}

// checkInside tells of the sandbox's interface. The calling thread is in its network
// namespace.
func (w *Wish) checkInside(f *nsnet.Findings, addresses []netip.Addr) error {
	links, err := netlink.NewHandle(unix.NETLINK_ROUTE)
	if err != nil {
		return fmt.Errorf("open netlink socket: %w", err)
	}
	defer links.Close()
	link, err := (&Kernel{links: links}).checkUp(nsnet.Interface)
	f.Add("interface "+nsnet.Interface, err)
	if link == nil {
		return nil
	}
	for _, a := range addresses {
		subnet := w.subnetOf(a)
		f.Add(fmt.Sprintf("address %s of %s", a, nsnet.Interface), checkAddress(links, link, netip.PrefixFrom(a, subnet.Bits())))
		gateway := nsnet.Gateway(subnet)
		f.Add("default route via "+gateway.String(), checkRoute(links, link, gateway))
	}
	return nil
}

// subnetOf is the wish's network that has the address.
func (w *Wish) subnetOf(a netip.Addr) netip.Prefix {
	for _, s := range w.Subnets {
		if s.Contains(a) {
			return s
		}
	}
	return netip.PrefixFrom(a, a.BitLen())
}

func checkAddress(links *netlink.Handle, link netlink.Link, want netip.Prefix) error {
	all, err := links.AddrList(link, netlink.FAMILY_ALL)
	if err != nil {
		return fmt.Errorf("list addresses: %w", err)
	}
	if !slices.ContainsFunc(all, func(a netlink.Addr) bool { return a.IPNet.String() == want.String() }) {
		return errors.New("it is gone")
	}
	return nil
}

func checkRoute(links *netlink.Handle, link netlink.Link, gateway netip.Addr) error {
	family := netlink.FAMILY_V6
	if gateway.Is4() {
		family = netlink.FAMILY_V4
	}
	all, err := links.RouteList(link, family)
	if err != nil {
		return fmt.Errorf("list routes: %w", err)
	}
	if !slices.ContainsFunc(all, func(r netlink.Route) bool { return r.Gw.Equal(net.IP(gateway.AsSlice())) }) {
		return errors.New("it is gone")
	}
	return nil
}
