// SPDX-License-Identifier: Apache-2.0

package firewall

import (
	"os"
	"testing"

	"github.com/nsrun/nsrun/nsplugin/nsnet/nettest"
)

// The rules are real ones, of a host of the test's own.
func TestMain(m *testing.M) { os.Exit(nettest.Main(m, nettest.Kit{})) }

// TestForwardWarning warns of a firewall that drops forwarded packets, unless it has a
// rule for the bridge.
func TestForwardWarning(t *testing.T) {
	for _, tt := range []struct {
		name   string
		rules  string // a script
		warned bool
	}{
		{"no firewall", "true", false},
		{"iptables", "iptables -P FORWARD DROP", true},
		{"iptables with the rules of the hint", "iptables -P FORWARD DROP; iptables -I FORWARD -i nsrunn0 -j ACCEPT; iptables -I FORWARD -o nsrunn0 -j ACCEPT", false},
		{"iptables with a wildcard", "iptables -P FORWARD DROP; iptables -I FORWARD -i nsrun+ -j ACCEPT", false},
		{"iptables for another bridge", "iptables -P FORWARD DROP; iptables -I FORWARD -i nsrunn -j ACCEPT; iptables -I FORWARD -i docker0 -j ACCEPT", true},
		{"nftables", "nft add table inet fw; nft add chain inet fw gate '{type filter hook forward priority 0; policy drop;}'", true},
		{"nftables with a set", "nft add table inet fw; nft add chain inet fw gate '{type filter hook forward priority 0; policy drop;}'; nft add rule inet fw gate iifname '{docker0, nsrunn0}' accept", false},
		{"nftables with another set", "nft add table inet fw; nft add chain inet fw gate '{type filter hook forward priority 0; policy drop;}'; nft add rule inet fw gate iifname '{docker0, docker1}' accept", true},
	} {
		h := nettest.NewHost(t)
		h.Run("sh", "-ec", tt.rules)
		if ds := ForwardWarning("nsrunn0"); len(ds) > 0 != tt.warned {
			t.Errorf("%s: warned %v", tt.name, ds)
		}
	}
}
