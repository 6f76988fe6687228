// SPDX-License-Identifier: Apache-2.0

package nsnet

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/nsrun/nsrun/ns"
)

// TestPoolFinding says how much of a subnet is leased, and by whom.
func TestPoolFinding(t *testing.T) {
	for _, tt := range []struct {
		name, subnet, holders string
		size                  int
		severity              ns.Severity
		want                  string
	}{
		{"nobody", "10.1.0.0/24", "", 0, ns.Notice, "network lab: 0 of 253 addresses of 10.1.0.0/24 are leased, 0 by living runs"},
		{"the living", "10.1.0.0/24", "a1 a2", 0, ns.Notice, "2 of 253 addresses of 10.1.0.0/24 are leased, 2 by living runs"},
		{"one of the dead", "10.1.0.0/24", "a1 d1", 0, ns.Warning, "2 of 253 addresses of 10.1.0.0/24 are leased, 1 by living runs"},
		{"a full subnet", "10.1.0.0/30", "a1", 0, ns.Error, "1 of 1 addresses of 10.1.0.0/30 are leased, 1 by living runs"},
		{"a full range", "10.1.0.0/24", "a1 a2", 2, ns.Error, "2 of 2 addresses of 10.1.0.0/24 are leased, 2 by living runs"},
		{"IPv6", "fd00::/120", "a1", 0, ns.Notice, "1 of 254 addresses of fd00::/120 are leased, 1 by living runs"},
		{"more than can be counted", "fd00::/64", "a1", 0, ns.Notice, "1 of 2^64 addresses of fd00::/64 are leased, 1 by living runs"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := Pool{"lab", netip.MustParsePrefix(tt.subnet), tt.size, strings.Fields(tt.holders), func(id string) bool { return id[0] == 'a' }}
			d := p.Finding()
			if d.Severity != tt.severity || !strings.HasSuffix(d.Summary, tt.want) {
				t.Errorf("%s: %s", d.Severity, d.Summary)
			}
			if (d.Hint != "") != (tt.severity != ns.Notice) {
				t.Errorf("hint %q", d.Hint)
			}
		})
	}
}
