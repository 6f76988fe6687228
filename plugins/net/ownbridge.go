// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"path/filepath"
	"slices"

	"github.com/nsrun/nsrun/nsplugin/nsnet"
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

// standardSubnet is defaultSubnet.
var standardSubnet = netip.MustParsePrefix(defaultSubnet)

// ownBridge is the network that nsrun makes when none is named: a bridge with an
// address for each sandbox, a way out by masquerading, and published ports.
type ownBridge struct {
	name    string // of the network
	device  string // of the bridge
	subnets nsnet.Subnets
	backend backend
	mtu     int  // of the bridge and the sandboxes; 0 is the kernel's default
	shaped  bool // the sandbox's rate is limited
}

// newBridge makes the network for subnets. Each choice of subnets is a network and
// a device of its own, so that several can be used side by side.
func newBridge(subnets nsnet.Subnets, b backend) *ownBridge {
	if slices.Equal(subnets, nsnet.Subnets{standardSubnet}) {
		return &ownBridge{name: defaultName, device: defaultBridge, subnets: subnets, backend: b}
	}
	id := "nsrun-" + subnets.Tag()
	return &ownBridge{name: id, device: id, subnets: subnets, backend: b}
}

// conflist returns the network as a CNI configuration.
func (b *ownBridge) conflist() (*conflist, error) {
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
func (b *ownBridge) bridgePlugin() map[string]any {
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
func (b *ownBridge) ipam() map[string]any {
	var ranges, routes []any
	for _, s := range b.subnets {
		ranges = append(ranges, []any{map[string]any{"subnet": s.String(), "gateway": nsnet.Gateway(s).String()}})
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
func (b *ownBridge) portmapPlugin() map[string]any {
	return map[string]any{
		"type":         "portmap",
		"backend":      string(b.backend),
		"snat":         true,
		"capabilities": map[string]bool{"portMappings": true},
	}
}
