// SPDX-License-Identifier: Apache-2.0

package bridge

import (
	"fmt"
	"net/netip"
	"slices"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/nsrun/nsrun/nsplugin/nsnet"
)

// flow selects connections that the kernel tracks.
type flow func(*netlink.ConntrackFlow) bool

// MatchConntrackFlow reports whether the connection is one of those.
func (f flow) MatchConntrackFlow(c *netlink.ConntrackFlow) bool { return f(c) }

// forgetOld makes the kernel forget what it knows of packets to UDP ports that are
// published now: a sender that doesn't pause would go on reaching what it did before,
// since addresses are translated by the first packet of a flow only.
func (k *Kernel) forgetOld(ports []nsnet.Mapping) error {
	old := map[uint16]bool{}
	for _, m := range ports {
		if m.Protocol == "udp" {
			old[uint16(m.HostPort)] = true
		}
	}
	if len(old) == 0 {
		return nil
	}
	return k.forget(func(c *netlink.ConntrackFlow) bool {
		return c.Forward.Protocol == unix.IPPROTO_UDP && old[c.Forward.DstPort]
	})
}

// forgetRun does the same for what was translated for a run until now.
func (k *Kernel) forgetRun(r *record) error {
	if r.Complete && !r.udp() {
		return nil
	}
	return k.forget(ofSandbox(r.all()))
}

// ofSandbox selects UDP packets to the ports of a sandbox that has the addresses, and from
// it to the host's loopback.
func ofSandbox(addresses []netip.Addr) flow {
	is := func(ip []byte) bool {
		a, _ := netip.AddrFromSlice(ip)
		return slices.Contains(addresses, a.Unmap())
	}
	return func(c *netlink.ConntrackFlow) bool {
		answers := c.Reverse.SrcIP
		return c.Forward.Protocol == unix.IPPROTO_UDP && (is(answers) || answers.IsLoopback() && is(c.Forward.SrcIP))
	}
}

func (k *Kernel) forget(which flow) error {
	for _, family := range []netlink.InetFamily{unix.AF_INET, unix.AF_INET6} {
		if _, err := k.links.ConntrackDeleteFilters(netlink.ConntrackTable, family, which); err != nil {
			return fmt.Errorf("forget tracked UDP packets: %w", err)
		}
	}
	return nil
}
