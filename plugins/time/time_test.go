// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/nsrun/nsrun/ns"
	"github.com/nsrun/nsrun/nsplugin/nstest"
)

func TestOffer(t *testing.T) {
	for name, c := range map[string]struct {
		plugin clocks
		want   []ns.Step
	}{
		"no offset":    {clocks{}, nil},
		"both":         {clocks{Monotonic: time.Hour, Boottime: -time.Second}, []ns.Step{{Op: ns.OpTimeOffset, Target: "monotonic", Data: "3600000000000"}, {Op: ns.OpTimeOffset, Target: "boottime", Data: "-1000000000"}}},
		"the boottime": {clocks{Boottime: 1}, []ns.Step{{Op: ns.OpTimeOffset, Target: "boottime", Data: "1"}}},
	} {
		t.Run(name, func(t *testing.T) {
			owns := []ns.Kind{ns.Time}
			offer, err := c.plugin.Negotiate(t.Context(), &ns.Request{Owns: owns, Kinds: owns})
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(&ns.Offer{Kinds: owns, Steps: c.want, Freshness: &ns.Freshness{}}, offer); d != "" {
				t.Errorf("offer (-want +got):\n%s", d)
			}
		})
	}
}

func TestConformance(t *testing.T) {
	nstest.Test(t, &clocks{}, nstest.Case{Name: "an offset", Settings: []ns.Setting{{Option: "boottime", Args: []string{"-90s"}}}})
}

func TestEveryOptionIsDocumented(t *testing.T) {
	for _, page := range []string{"README.md", "../../docs/plugins.md"} {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range nstest.Start(t, &clocks{}).Describe().Options {
			if !strings.Contains(string(text), "`--"+o.Name) {
				t.Errorf("%s says nothing of --%s", page, o.Name)
			}
		}
	}
}
