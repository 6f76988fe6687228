// SPDX-License-Identifier: Apache-2.0

package host

import (
	"errors"
	"strings"
	"testing"

	"github.com/nsrun/nsrun/ns"
)

// TestWhereVersionsDifferTheOlderSideIsTold has plugins that are too new for this
// nsrun, or too old.
func TestWhereVersionsDifferTheOlderSideIsTold(t *testing.T) {
	for mode, upgrade := range map[string]string{
		"api9":          ns.UpgradeNsrun,
		"core9":         ns.UpgradeNsrun,
		"unknownstep":   ns.UpgradeNsrun,
		"requires":      ns.UpgradeNsrun,
		"api0":          upgradePlugin,
		"unimplemented": upgradePlugin,
	} {
		t.Run(mode, func(t *testing.T) {
			h := newHost(t, func(c *Config) { c.Deadlines = patient })
			_, err := negotiate(h, bad(t, mode))
			if mode == "requires" {
				_, err = h.Describe(t.Context(), bad(t, mode))
			}
			d, ok := errors.AsType[*ns.Diagnostic](err)
			if !ok || d.Hint != upgrade || !strings.Contains(d.Hint, "nsctl plugin install FILE") {
				t.Errorf("said %v, %+v; want the hint %s", err, d, upgrade)
			}
		})
	}
}
