// SPDX-License-Identifier: Apache-2.0

package main

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/nsrun/nsrun/ns"
)

func TestOffer(t *testing.T) {
	got, err := (&none{}).Negotiate(t.Context(), &ns.Request{Owns: []ns.Kind{ns.Net}, Kinds: []ns.Kind{ns.Net}})
	if err != nil {
		t.Fatal(err)
	}
	want := &ns.Offer{
		Kinds:     []ns.Kind{ns.Net},
		Steps:     []ns.Step{{Op: ns.OpLinkUp, Target: "lo"}},
		Freshness: &ns.Freshness{},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("offer (-want +got):\n%s", diff)
	}
}
