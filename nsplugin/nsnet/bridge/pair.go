// SPDX-License-Identifier: Apache-2.0

package bridge

import (
	"crypto/sha256"
	"fmt"
	"net"
	"net/netip"
	"os"
	"runtime"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/nsrun/nsrun/nsplugin/nsnet"
)

// HostEnd is the name of the host's end of what connects a run's sandbox to its
// bridge. It follows from the run's id, so that it can be found again without a record.
func HostEnd(runID string) string { return linkName("nsrv", runID) }

// linkName returns prefix and a hash of the run's id, 15 bytes together: the most
// that the kernel takes; IFNAMSIZ of netdevice(7).
func linkName(prefix, runID string) string {
	return fmt.Sprintf("%s%x", prefix, sha256.Sum256([]byte(runID)))[:15]
}

// pair is what is to be known for making a run's pair of interfaces, veth(4).
type pair struct {
	runID string
	netns string // path of the sandbox's network namespace
	mac   net.HardwareAddr
	mtu   int
}

// addPair makes the pair, one end of it in the sandbox.
func (k *Kernel) addPair(p pair) error {
	netns, err := os.Open(p.netns)
	if err != nil {
		return fmt.Errorf("open network namespace: %w", err)
	}
	defer netns.Close()
	attrs := netlink.NewLinkAttrs()
	attrs.Name, attrs.MTU = HostEnd(p.runID), p.mtu
	veth := netlink.NewVeth(attrs)
	veth.PeerName, veth.PeerNamespace = nsnet.Interface, netlink.NsFd(int(netns.Fd()))
	veth.PeerHardwareAddr, veth.PeerMTU = p.mac, uint32(p.mtu)
	if err := k.links.LinkAdd(veth); err != nil {
		return fmt.Errorf("add interface %s with its peer %s in the sandbox: %w", attrs.Name, nsnet.Interface, err)
	}
	return nil
}

// plug puts the host's end of what connects the run's sandbox into the bridge.
func (k *Kernel) plug(runID string, bridge int) (netlink.Link, error) {
	name := HostEnd(runID)
	link, err := k.links.LinkByName(name)
	if err != nil {
		return nil, fmt.Errorf("find interface %s: %w", name, err)
	}
	return link, k.setUpPort(link, runID, bridge)
}

// setUpPort makes link the run's port of the bridge with that index.
func (k *Kernel) setUpPort(link netlink.Link, runID string, bridge int) error {
	name := link.Attrs().Name
	// A port of a bridge needs no address, and what a sandbox sends is nothing for
	// the host to take its own IPv6 configuration from.
	if err := set(sysctl{"ipv6/conf/" + name + "/disable_ipv6", "1"}); err != nil {
		return err
	}
	if err := k.links.LinkSetAlias(link, "nsrun "+runID); err != nil {
		return fmt.Errorf("set alias of interface %s: %w", name, err)
	}
	if err := k.links.LinkSetMasterByIndex(link, bridge); err != nil {
		return fmt.Errorf("put interface %s into the bridge: %w", name, err)
	}
	// Where frames on a bridge pass the IP rules, a sandbox's packet to its own
	// published port is sent back out of the port it came in by.
	if err := k.links.LinkSetHairpin(link, true); err != nil {
		return fmt.Errorf("set hairpin mode of interface %s: %w", name, err)
	}
	if err := k.links.LinkSetUp(link); err != nil {
		return fmt.Errorf("set interface %s up: %w", name, err)
	}
	return nil
}

// Configure gives the sandbox's interface its addresses, and routes to everywhere by
// the bridge, and sets it up. It returns the interface's hardware address. The caller
// must be able to enter the network namespace at the path netns; setns(2).
func Configure(netns string, addresses []netip.Prefix) (mac net.HardwareAddr, err error) {
	err = inside(netns, func() error {
		links, err := netlink.NewHandle(unix.NETLINK_ROUTE)
		if err != nil {
			return fmt.Errorf("open netlink socket: %w", err)
		}
		defer links.Close()
		link, err := links.LinkByName(nsnet.Interface)
		if err != nil {
			return fmt.Errorf("find interface %s: %w", nsnet.Interface, err)
		}
		mac = link.Attrs().HardwareAddr
		return configureLink(links, link, addresses)
	})
	if err != nil {
		return nil, fmt.Errorf("in the sandbox: %w", err)
	}
	return mac, nil
}

func configureLink(links *netlink.Handle, link netlink.Link, addresses []netip.Prefix) error {
	// Others may know the address with the hardware address of an earlier sandbox.
	// The kernel tells them of the new one when the interface comes up.
	err := set(sysctl{"ipv4/conf/" + nsnet.Interface + "/arp_notify", "1"}, sysctl{"ipv6/conf/" + nsnet.Interface + "/ndisc_notify", "1"},
		sysctl{"ipv6/conf/" + nsnet.Interface + "/accept_ra", "0"})
	if err != nil {
		return err
	}
	for _, a := range addresses {
		if a.Addr().Is6() { // the host may have it off for new interfaces
			if err := set(sysctl{"ipv6/conf/" + nsnet.Interface + "/disable_ipv6", "0"}); err != nil {
				return err
			}
		}
		if err := links.AddrReplace(link, address(a)); err != nil {
			return fmt.Errorf("add address %s: %w", a, err)
		}
	}
	if err := links.LinkSetUp(link); err != nil {
		return fmt.Errorf("set interface %s up: %w", nsnet.Interface, err)
	}
	for _, a := range addresses {
		gateway := nsnet.Gateway(a.Masked())
		if err := links.RouteReplace(defaultRoute(link, gateway)); err != nil {
			return fmt.Errorf("add default route via %s: %w", gateway, err)
		}
	}
	return nil
}

// defaultRoute is the route to everywhere by way of gateway.
func defaultRoute(link netlink.Link, gateway netip.Addr) *netlink.Route {
	bits := gateway.BitLen()
	return &netlink.Route{
		LinkIndex: link.Attrs().Index,
		Gw:        gateway.AsSlice(),
		Dst:       &net.IPNet{IP: make(net.IP, bits/8), Mask: net.CIDRMask(0, bits)},
	}
}

// inside calls f on a thread in the network namespace at path. The thread is never
// unlocked, so that Go ends it with the goroutine and nobody else comes to be there.
func inside(path string, f func() error) error {
	result := make(chan error)
	go func() {
		runtime.LockOSThread()
		fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
		if err != nil {
			result <- fmt.Errorf("open %s: %w", path, err)
			return
		}
		err = unix.Setns(fd, unix.CLONE_NEWNET)
		unix.Close(fd)
		if err != nil {
			result <- fmt.Errorf("setns %s: %w", path, err)
			return
		}
		result <- f()
	}()
	return <-result
}
