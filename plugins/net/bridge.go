// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"fmt"
	"hash/fnv"
	"net"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// runDir is where all that must not outlive a reboot is kept: the kernel's side
// of a network is gone then, so its files have to be as well.
const runDir = "/run/nsrun/cni"

// The default network. Its range is none of those that container engines,
// libvirt and Kubernetes take by default.
const (
	defaultName   = "nsrun"
	defaultBridge = "nsrun0"
	defaultSubnet = "10.177.0.0/16"
)

// bridge is the network that nsrun makes when none is named: a bridge with an
// address for each sandbox, a way out by masquerading, and published ports.
type bridge struct {
	name    string // of the network
	device  string // of the bridge
	subnets []netip.Prefix
	backend backend
	mtu     int  // of the bridge and the sandboxes; 0 is the kernel's default
	shaped  bool // the sandbox's rate is limited
}

// newBridge makes the network for subnets, one IPv4 and one IPv6 prefix at most.
// Each choice of subnets is a network and a device of its own, so that several
// can be used side by side.
func newBridge(subnets []netip.Prefix, b backend) *bridge {
	if len(subnets) == 0 {
		return &bridge{name: defaultName, device: defaultBridge, subnets: []netip.Prefix{netip.MustParsePrefix(defaultSubnet)}, backend: b}
	}
	sum := fnv.New32a()
	for _, s := range subnets {
		fmt.Fprintln(sum, s)
	}
	id := fmt.Sprintf("nsrun-%08x", sum.Sum32())
	return &bridge{name: id, device: id, subnets: subnets, backend: b}
}

// parseSubnets reads the values of --subnet.
func parseSubnets(texts []string) ([]netip.Prefix, error) {
	var subnets []netip.Prefix
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

// gateway is the bridge's own address in subnet, which sandboxes send to.
func gateway(subnet netip.Prefix) netip.Addr { return subnet.Addr().Next() }

// String lists the subnets.
func (b *bridge) String() string {
	texts := make([]string, len(b.subnets))
	for i, s := range b.subnets {
		texts[i] = s.String()
	}
	return strings.Join(texts, " and ")
}

// holds reports whether a sandbox can have the address a: it must be none of the
// network's, the gateway's and, in IPv4, the broadcast address.
func (b *bridge) holds(a netip.Addr) bool {
	for _, s := range b.subnets {
		if s.Contains(a) && a != s.Addr() && a != gateway(s) && (a.Is6() || s.Contains(a.Next())) {
			return true
		}
	}
	return false
}

// speaks reports whether one of the subnets is IPv4, or IPv6.
func (b *bridge) speaks(ipv4 bool) bool {
	return slices.ContainsFunc(b.subnets, func(s netip.Prefix) bool { return s.Addr().Is4() == ipv4 })
}

// conflist returns the network as a CNI configuration.
func (b *bridge) conflist() (*conflist, error) {
	plugins := []any{b.bridgePlugin(), b.portmapPlugin()}
	if b.shaped {
		plugins = append(plugins, map[string]any{"type": "bandwidth", "capabilities": map[string]bool{"bandwidth": true}})
	}
	text, err := json.MarshalIndent(map[string]any{
		"cniVersion": "1.1.0",
		"name":       b.name,
		"plugins":    plugins,
	}, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("make conflist: %w", err)
	}
	c, faults := parseConflist("the default network", text)
	if len(faults) > 0 {
		return nil, fmt.Errorf("BUG(nsrun): %w", faults[0])
	}
	c.file = ""
	return c, nil
}

// bridgePlugin configures the plugin that makes the bridge and the pair of
// interfaces. Hairpin lets a sandbox reach itself by its published port.
func (b *bridge) bridgePlugin() map[string]any {
	return map[string]any{
		"type":          "bridge",
		"bridge":        b.device,
		"isGateway":     true,
		"ipMasq":        true,
		"ipMasqBackend": string(b.backend),
		"hairpinMode":   true,
		"capabilities":  map[string]bool{"ips": true, "mac": true},
		"mtu":           b.mtu,
		"ipam":          b.ipam(),
	}
}

// ipam configures the plugin that hands out addresses. Its leases lie on /run.
func (b *bridge) ipam() map[string]any {
	var ranges, routes []any
	for _, s := range b.subnets {
		ranges = append(ranges, []any{map[string]any{"subnet": s.String(), "gateway": gateway(s).String()}})
		routes = append(routes, map[string]any{"dst": everywhere(s)})
	}
	return map[string]any{
		"type":    "host-local",
		"dataDir": filepath.Join(runDir, "networks"),
		"ranges":  ranges,
		"routes":  routes,
	}
}

// everywhere is the destination of the default route in the family of s.
func everywhere(s netip.Prefix) string {
	if s.Addr().Is4() {
		return "0.0.0.0/0"
	}
	return "::/0"
}

// portmapPlugin configures the plugin that publishes ports. snat is what makes
// them work on 127.0.0.1 and from the sandbox itself.
func (b *bridge) portmapPlugin() map[string]any {
	return map[string]any{
		"type":         "portmap",
		"backend":      string(b.backend),
		"snat":         true,
		"capabilities": map[string]bool{"portMappings": true},
	}
}

// problem says what on this host is in the way of the bridge, and what to do.
func (b *bridge) problem() (problem, hint string) {
	if p, hint := bridgeProblem(b.device); p != "" {
		return p, hint
	}
	for _, s := range b.subnets {
		if p := b.overlap(s); p != "" {
			return p, "--subnet with a network that this host doesn't know"
		}
	}
	return "", ""
}

// bridgeProblem says why device can't be used as a bridge; it need not exist.
func bridgeProblem(device string) (problem, hint string) {
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
func (b *bridge) overlap(subnet netip.Prefix) string {
	links, err := net.Interfaces()
	if err != nil {
		return ""
	}
	for _, link := range links {
		addrs, _ := link.Addrs()
		for _, a := range addrs {
			have, err := netip.ParsePrefix(a.String())
			if err != nil || !subnet.Contains(have.Addr()) {
				continue
			}
			if link.Name != b.device {
				return fmt.Sprintf("subnet %s is in use: %s has %s", subnet, link.Name, have)
			}
			if have.Addr() != gateway(subnet) {
				return fmt.Sprintf("bridge %s has %s, and not %s", link.Name, have, gateway(subnet))
			}
		}
	}
	return ""
}
