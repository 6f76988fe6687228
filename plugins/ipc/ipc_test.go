// SPDX-License-Identifier: Apache-2.0

package main

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/nsrun/nsrun/ns"
)

func TestOffer(t *testing.T) {
	mqueue := ns.Step{
		Op: ns.OpMount, Phase: ns.Inside, FSType: "mqueue", Target: "/dev/mqueue",
		Attrs: []ns.Attr{ns.NoSUID, ns.NoDev, ns.NoExec}, IfExists: true,
	}
	tests := []struct {
		name  string
		kinds []ns.Kind
		want  []ns.Step
	}{
		{"with the host's mounts nothing is mounted", []ns.Kind{ns.IPC}, nil},
		{"with mounts of its own it sees its own queues", []ns.Kind{ns.IPC, ns.Mount}, []ns.Step{mqueue}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := (&ipc{}).Negotiate(t.Context(), &ns.Request{Owns: []ns.Kind{ns.IPC}, Kinds: tt.kinds})
			if err != nil {
				t.Fatal(err)
			}
			want := &ns.Offer{Kinds: []ns.Kind{ns.IPC}, Steps: tt.want, Freshness: &ns.Freshness{}}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("offer (-want +got):\n%s", diff)
			}
		})
	}
}
