// SPDX-License-Identifier: Apache-2.0

package main

import (
	"net/netip"
	"strings"
	"testing"
)

func TestParseSubnets(t *testing.T) {
	for text, want := range map[string]string{
		"10.1.0.0":                   "no network in CIDR form",
		"10.1.0.1/24":                "the address has bits beyond the mask; the network is 10.1.0.0/24",
		"10.1.0.0/31":                "too small",
		"fd00::/127":                 "too small",
		"10.1.0.0/24 10.2.0.0/24":    "10.1.0.0/24 is of the same family",
		"10.1.0.0/30":                "",
		"10.1.0.0/24 fd00:6e73::/64": "",
	} {
		_, err := parseSubnets(strings.Fields(text))
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("parseSubnets(%s): %v; want %q", text, err, want)
		}
	}
}

// TestBridgeNames checks that other subnets are other networks, with names that
// the kernel takes.
func TestBridgeNames(t *testing.T) {
	seen := map[string]string{}
	for _, text := range []string{"", "10.1.0.0/24", "10.1.0.0/25", "10.1.0.0/24 fd00::/64"} {
		subnets, err := parseSubnets(strings.Fields(text))
		must(t, err)
		b := newBridge(subnets, nftables)
		if other, ok := seen[b.device]; ok {
			t.Errorf("%q and %q share %s", text, other, b.device)
		}
		if len(b.device) > 15 { // IFNAMSIZ less the NUL
			t.Errorf("%s is too long", b.device)
		}
		seen[b.device] = text
		c, err := b.conflist()
		must(t, err)
		if c.list.CNIVersion != "1.1.0" || c.list.Name != b.name {
			t.Errorf("%s", c.list.Bytes)
		}
	}
}

func TestBridgeHolds(t *testing.T) {
	b := newBridge([]netip.Prefix{netip.MustParsePrefix("10.1.0.0/24"), netip.MustParsePrefix("fd00::/64")}, nftables)
	for text, want := range map[string]bool{
		"10.1.0.2": true, "10.1.0.254": true, "10.1.0.0": false, "10.1.0.1": false, "10.1.0.255": false,
		"10.2.0.2": false, "fd00::2": true, "fd00::1": false, "fd01::2": false,
	} {
		if got := b.holds(netip.MustParseAddr(text)); got != want {
			t.Errorf("holds(%s) = %v", text, got)
		}
	}
}
