// SPDX-License-Identifier: Apache-2.0

package nsnet

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

func TestSubnetsHold(t *testing.T) {
	s := Subnets{netip.MustParsePrefix("10.1.0.0/24"), netip.MustParsePrefix("fd00::/64")}
	for text, want := range map[string]bool{
		"10.1.0.2": true, "10.1.0.254": true, "10.1.0.0": false, "10.1.0.1": false, "10.1.0.255": false,
		"10.2.0.2": false, "fd00::2": true, "fd00::1": false, "fd01::2": false,
	} {
		if got := s.Holds(netip.MustParseAddr(text)); got != want {
			t.Errorf("holds(%s) = %v", text, got)
		}
	}
}
