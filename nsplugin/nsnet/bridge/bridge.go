// SPDX-License-Identifier: Apache-2.0

package bridge

import (
	"fmt"
	"net"
	"net/netip"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/nsrun/nsrun/nsplugin/nsnet"
)

// ensureNetwork makes the table and the network's bridge, or what is missing of them,
// and returns the bridge's index. The caller holds the lock.
func (k *Kernel) ensureNetwork(n network) (int, error) {
	made, err := k.ensureTable()
	if err != nil {
		return 0, err
	}
	link, err := k.links.LinkByName(n.device)
	if err != nil && !isNoLink(err) {
		return 0, fmt.Errorf("find bridge %s: %w", n.device, err)
	}
	// In the table before it is there: see the chain "guard".
	if missing := isNoLink(err); missing || made {
		if err := k.addBridgeElements(n.device); err != nil {
			return 0, err
		}
		if missing {
			link, err = k.addBridge(n)
		}
	}
	if err != nil {
		return 0, fmt.Errorf("add bridge %s: %w", n.device, err)
	}
	return link.Attrs().Index, k.configureBridge(n, link)
}

// configureBridge gives the bridge its addresses and sets it up.
func (k *Kernel) configureBridge(n network, link netlink.Link) error {
	if err := set(bridgeSysctls(n)...); err != nil {
		return err
	}
	for _, s := range n.subnets {
		gateway := netip.PrefixFrom(nsnet.Gateway(s), s.Bits())
		if err := k.links.AddrReplace(link, address(gateway)); err != nil {
			return fmt.Errorf("add address %s to bridge %s: %w", gateway, n.device, err)
		}
	}
	if err := k.links.LinkSetUp(link); err != nil {
		return fmt.Errorf("set bridge %s up: %w", n.device, err)
	}
	return nil
}

// addBridge makes the interface. It gets a hardware address of its own: otherwise
// the kernel gives it that of a port, another one whenever ports come and go, and
// the sandboxes send to one that is gone.
func (k *Kernel) addBridge(n network) (netlink.Link, error) {
	attrs := netlink.NewLinkAttrs()
	attrs.Name, attrs.HardwareAddr = n.device, nsnet.RandomMAC()
	if err := k.links.LinkAdd(&netlink.Bridge{LinkAttrs: attrs}); err != nil {
		return nil, err
	}
	return k.links.LinkByName(n.device)
}

// bridgeSysctls are the parameters that the bridge needs.
func bridgeSysctls(n network) []sysctl {
	all := []sysctl{{"ipv4/ip_forward", "1"}}
	// A sandbox mustn't be able to make itself the host's router.
	all = append(all, sysctl{"ipv6/conf/" + n.device + "/accept_ra", "0"})
	if n.subnets.Speaks(true) {
		// So that 127.0.0.1 can be the source of packets to published ports. What it
		// opens to the sandboxes, the table's chain "guard" closes.
		all = append(all, sysctl{"ipv4/conf/" + n.device + "/route_localnet", "1"})
	}
	if n.subnets.Speaks(false) {
		return append(all, sysctl{"ipv6/conf/all/forwarding", "1"}, sysctl{"ipv6/conf/" + n.device + "/disable_ipv6", "0"})
	}
	return append(all, sysctl{"ipv6/conf/" + n.device + "/disable_ipv6", "1"})
}

// address returns p for netlink. IPv6's search for duplicates is left out, since it
// takes a second, and the leases see to it that there are none.
func address(p netip.Prefix) *netlink.Addr {
	a := &netlink.Addr{IPNet: &net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen())}}
	if p.Addr().Is6() {
		a.Flags = unix.IFA_F_NODAD
	}
	return a
}
