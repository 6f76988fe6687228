// SPDX-License-Identifier: Apache-2.0

package main

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/nsrun/nsrun/ns"
)

func TestOffer(t *testing.T) {
	keepInit := []ns.Step{{Op: ns.OpInit}}
	both := []ns.Kind{ns.PID, ns.Mount}
	tests := []struct {
		name    string
		plugin  pid
		kinds   []ns.Kind
		steps   []ns.Step
		notices []ns.Diagnostic
	}{
		{"an init", pid{Init: true}, both, keepInit, nil},
		{"the command itself as pid 1", pid{}, both, nil, nil},
		{"the host's /proc is mentioned", pid{Init: true}, []ns.Kind{ns.PID}, keepInit, []ns.Diagnostic{*outerProc()}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := tt.plugin.Negotiate(t.Context(), &ns.Request{Owns: []ns.Kind{ns.PID}, Kinds: tt.kinds})
			if err != nil {
				t.Fatal(err)
			}
			want := &ns.Offer{Kinds: []ns.Kind{ns.PID}, Steps: tt.steps, Diagnostics: tt.notices, Freshness: &ns.Freshness{}}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("offer (-want +got):\n%s", diff)
			}
		})
	}
}

func TestOuterProcIsANotice(t *testing.T) {
	if d := outerProc(); d.Severity != ns.Notice {
		t.Errorf("severity = %q, want %q: the run goes on", d.Severity, ns.Notice)
	}
}
