// SPDX-License-Identifier: Apache-2.0

package main

import (
	"strings"
	"testing"

	"github.com/nsrun/nsrun/nsplugin/nsnet"
)

// TestBridgeNames checks that other subnets are other networks, with names that
// the kernel takes.
func TestBridgeNames(t *testing.T) {
	seen := map[string]string{}
	for _, text := range []string{"", "10.1.0.0/24", "10.1.0.0/25", "10.1.0.0/24 fd00::/64"} {
		subnets, err := nsnet.SubnetOption{Subnet: strings.Fields(text)}.Subnets(standardSubnet)
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
