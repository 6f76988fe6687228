// SPDX-License-Identifier: Apache-2.0

package main

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/nsrun/nsrun/ns"
	"github.com/nsrun/nsrun/nsplugin/nstest"
)

func netns(value string) []ns.Setting {
	return []ns.Setting{{Option: "netns", Args: []string{value}}}
}

func TestConformance(t *testing.T) {
	nstest.Test(t, &join{},
		nstest.Case{Name: "path", Settings: netns("/run/netns/x")},
		nstest.Case{Name: "run", Kinds: []ns.Kind{ns.PID, ns.Mount}, Settings: netns("run:web")},
		nstest.Case{Name: "empty", Settings: netns(""), Refused: "--netns"},
		nstest.Case{Name: "no run", Settings: netns("run:"), Refused: "--netns run:NAME"},
	)
}

func TestSource(t *testing.T) {
	for value, want := range map[string]string{
		"/run/netns/x":       "/run/netns/x",
		"/run/../run/netns/": "/run/netns",
		"x":                  "/home/visitor/x",
		"../x":               "/home/x",
		"run:web":            "run:web",
		"./run:web":          "/home/visitor/run:web",
	} {
		t.Run(value, func(t *testing.T) {
			req := &ns.Request{Owns: []ns.Kind{ns.Net}, Facts: ns.Facts{Dir: "/home/visitor"}}
			got, err := (&join{NetNS: value}).Negotiate(t.Context(), req)
			if err != nil {
				t.Fatal(err)
			}
			offer := &ns.Offer{Joins: []ns.Join{{Kind: ns.Net, Source: want}}, Freshness: &ns.Freshness{}}
			if diff := cmp.Diff(offer, got); diff != "" {
				t.Errorf("offer (-want +got):\n%s", diff)
			}
		})
	}
}
