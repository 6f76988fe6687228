// SPDX-License-Identifier: Apache-2.0

package nsnet

import (
	"errors"
	"fmt"
	"hash/fnv"
	"net"
	"net/netip"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/nsrun/nsrun/nsplugin"
)

// SubnetOption is the option --subnet, of backends with a bridge of their own. Its
// default differs from backend to backend, so that two of them can be used at once.
type SubnetOption struct {
	Subnet []string `option:"subnet" args:"CIDR" help:"network of nsrun's own bridge, one IPv4 and one IPv6"`
}

// Subnets are the addresses of one bridge: one IPv4 and one IPv6 prefix at most.
type Subnets []netip.Prefix

// Subnets reads the option; standard is what it is when it isn't given.
func (o SubnetOption) Subnets(standard netip.Prefix) (Subnets, error) {
	if len(o.Subnet) == 0 {
		return Subnets{standard}, nil
	}
	subnets, err := parseSubnets(o.Subnet)
	if err != nil {
		return nil, nsplugin.Errorf("%w", err).WithOption("subnet").WithHint("--subnet " + standard.String())
	}
	return subnets, nil
}

func parseSubnets(texts []string) (Subnets, error) {
	var subnets Subnets
	families := map[bool]string{}
	for _, text := range texts {
		p, err := netip.ParsePrefix(text)
		if err != nil {
			return nil, fmt.Errorf("subnet %s: no network in CIDR form, such as 10.20.0.0/24", text)
		}
		if p != p.Masked() {
			return nil, fmt.Errorf("subnet %s: the address has bits beyond the mask; the network is %s", text, p.Masked())
		}
		if p.Addr().BitLen()-p.Bits() < 2 {
			return nil, fmt.Errorf("subnet %s: too small, since a bridge and one sandbox need four addresses", text)
		}
		if other := families[p.Addr().Is4()]; other != "" {
			return nil, fmt.Errorf("subnet %s: %s is of the same family; one IPv4 and one IPv6 network can be given", text, other)
		}
		families[p.Addr().Is4()] = text
		subnets = append(subnets, p)
	}
	return subnets, nil
}

// Gateway is the bridge's own address in subnet, which sandboxes send to: the first.
func Gateway(subnet netip.Prefix) netip.Addr { return subnet.Addr().Next() }

// String lists the subnets.
func (s Subnets) String() string {
	texts := make([]string, len(s))
	for i, p := range s {
		texts[i] = p.String()
	}
	return strings.Join(texts, " and ")
}

// Tag is a short name for the choice of subnets, in 8 characters of hexadecimal, by
// which each choice gets a bridge of its own.
func (s Subnets) Tag() string {
	sum := fnv.New32a()
	for _, p := range s {
		fmt.Fprintln(sum, p)
	}
	return fmt.Sprintf("%08x", sum.Sum32())
}

// Holds reports whether a sandbox can have the address a: it must be none of the
// network's, the gateway's and, in IPv4, the broadcast address.
func (s Subnets) Holds(a netip.Addr) bool {
	for _, p := range s {
		if p.Contains(a) && a != p.Addr() && a != Gateway(p) && (a.Is6() || p.Contains(a.Next())) {
			return true
		}
	}
	return false
}

// Speaks reports whether one of the subnets is IPv4, or IPv6.
func (s Subnets) Speaks(ipv4 bool) bool {
	return slices.ContainsFunc(s, func(p netip.Prefix) bool { return p.Addr().Is4() == ipv4 })
}

// CheckWishes returns an error for each address that a sandbox can't have in the
// subnets, and for each port of an address whose family they don't have.
func (s Subnets) CheckWishes(addresses []Address, ports []Mapping) error {
	var errs []error
	for _, a := range addresses {
		if !s.Holds(a.Addr) {
			errs = append(errs, nsplugin.Errorf("%s %s: no address for a sandbox in %s", a.Option, a, s).WithOption(a.Option).
				WithHint("--subnet with the network that holds it"))
		}
	}
	for _, m := range ports {
		if m.HostIP.IsValid() && !s.Speaks(m.HostIP.Is4()) {
			errs = append(errs, nsplugin.Errorf("publish %s: the bridge has no address of that family", m).WithOption("publish").
				WithHint("--subnet "+s[0].String()+" --subnet fd00:6e73::/64 for a bridge with both"))
		}
	}
	return errors.Join(errs...)
}

// BridgeProblem says what on this host is in the way of a bridge called device with
// the subnets, and what to do; "" if nothing is.
func (s Subnets) BridgeProblem(device string) (problem, hint string) {
	if p, hint := LinkProblem(device); p != "" {
		return p, hint
	}
	for _, subnet := range s {
		if p := overlap(device, subnet); p != "" {
			return p, "--subnet with a network that this host doesn't know"
		}
	}
	return "", ""
}

// LinkProblem says why device can't be used as a bridge, and what to do; it need
// not exist.
func LinkProblem(device string) (problem, hint string) {
	if _, err := net.InterfaceByName(device); err != nil {
		return "", ""
	}
	if driver := linkDriver(device); driver != "" && driver != "bridge" {
		return fmt.Sprintf("%s exists and is no bridge (%s)", device, driver), "remove it: ip link delete " + device
	}
	return "", ""
}

// linkDriver returns the driver of an interface, or "" if it doesn't tell.
func linkDriver(device string) string {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return ""
	}
	defer unix.Close(fd)
	info, err := unix.IoctlGetEthtoolDrvinfo(fd, device)
	if err != nil {
		return ""
	}
	return unix.ByteSliceToString(info.Driver[:])
}

// overlap says which address of this host lies in subnet, other than the
// bridge's own. A wider network of the host is no problem: the more specific
// route wins.
func overlap(device string, subnet netip.Prefix) string {
	if onlyGateway(device, subnet) {
		return ""
	}
	links, err := net.Interfaces()
	if err != nil {
		return ""
	}
	for _, link := range links {
		addrs, _ := link.Addrs()
		for _, have := range within(subnet, addrs) {
			if link.Name != device {
				return fmt.Sprintf("subnet %s is in use: %s has %s", subnet, link.Name, have)
			}
			if have.Addr() != Gateway(subnet) {
				return fmt.Sprintf("bridge %s has %s, and not %s", link.Name, have, Gateway(subnet))
			}
		}
	}
	return ""
}

// onlyGateway reports that the host has no address in subnet but the gateway's on
// device. It asks the kernel for all addresses at once: asked interface by interface,
// which it answers with all of them each time, a host with two hundred sandboxes takes
// seconds.
func onlyGateway(device string, subnet netip.Prefix) bool {
	all, err := net.InterfaceAddrs()
	if err != nil {
		return false
	}
	have := within(subnet, all)
	if len(have) == 0 {
		return true
	}
	link, err := net.InterfaceByName(device)
	if err != nil {
		return false
	}
	own, _ := link.Addrs()
	return len(have) == 1 && have[0].Addr() == Gateway(subnet) && slices.Equal(within(subnet, own), have)
}

// within returns those of addresses that are in subnet, with their prefixes.
func within(subnet netip.Prefix, addresses []net.Addr) []netip.Prefix {
	var all []netip.Prefix
	for _, a := range addresses {
		if p, err := netip.ParsePrefix(a.String()); err == nil && subnet.Contains(p.Addr()) {
			all = append(all, p)
		}
	}
	return all
}
