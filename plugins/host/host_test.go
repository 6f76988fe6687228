// SPDX-License-Identifier: Apache-2.0

package main

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/nsrun/nsrun/ns"
	"github.com/nsrun/nsrun/nsplugin/nstest"
)

func TestConformance(t *testing.T) { nstest.Test(t, &host{}) }

func TestOffer(t *testing.T) {
	got, err := (&host{}).Negotiate(t.Context(), &ns.Request{Owns: []ns.Kind{ns.Net}})
	if err != nil {
		t.Fatal(err)
	}
	want := &ns.Offer{
		Keeps: []ns.Kind{ns.Net},
		Diagnostics: []ns.Diagnostic{{Severity: ns.Notice, Summary: "the command is in the host's network",
			Detail: "it reaches the host's loopback and abstract unix sockets, and takes the host's ports"}},
		Freshness: &ns.Freshness{},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("offer (-want +got):\n%s", diff)
	}
}
