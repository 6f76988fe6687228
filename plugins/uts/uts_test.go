// SPDX-License-Identifier: Apache-2.0

package main

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/nsrun/nsrun/ns"
)

func request(settings ...ns.Setting) *ns.Request {
	return &ns.Request{Plugin: "uts", Owns: []ns.Kind{ns.UTS}, Kinds: []ns.Kind{ns.UTS}, Settings: settings}
}

func set(option, value string) ns.Setting {
	return ns.Setting{Option: option, Args: []string{value}}
}

func TestOffer(t *testing.T) {
	longest := strings.Repeat("n", maxName)
	tests := []struct {
		name     string
		settings []ns.Setting
		want     []ns.Step
	}{
		{"no option keeps the names", nil, nil},
		{"hostname", []ns.Setting{set("hostname", "box")}, []ns.Step{{Op: ns.OpHostname, Data: "box"}}},
		{"domainname", []ns.Setting{set("domainname", "lab")}, []ns.Step{{Op: ns.OpDomainname, Data: "lab"}}},
		{"both in either order", []ns.Setting{set("domainname", "lab"), set("hostname", "box")},
			[]ns.Step{{Op: ns.OpHostname, Data: "box"}, {Op: ns.OpDomainname, Data: "lab"}}},
		{"the longest name", []ns.Setting{set("hostname", longest)}, []ns.Step{{Op: ns.OpHostname, Data: longest}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := (&uts{}).Negotiate(t.Context(), request(tt.settings...))
			if err != nil {
				t.Fatal(err)
			}
			want := &ns.Offer{Kinds: []ns.Kind{ns.UTS}, Steps: tt.want, Freshness: &ns.Freshness{}}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("offer (-want +got):\n%s", diff)
			}
		})
	}
}

func TestBadNamesAreReportedTogether(t *testing.T) {
	long := strings.Repeat("n", maxName+1)
	offer, err := (&uts{}).Negotiate(t.Context(), request(set("hostname", long), set("domainname", "")))
	if err != nil {
		t.Fatal(err)
	}
	want := []ns.Diagnostic{{
		Summary: "--hostname " + long + ": the name is 65 bytes long",
		Detail:  "the kernel takes up to 64 bytes; sethostname(2)",
		Hint:    "--hostname " + long[:maxName],
		Option:  "hostname",
	}, {
		Summary: "--domainname: the name is empty",
		Hint:    "--domainname NAME, or no --domainname to keep the caller's",
		Option:  "domainname",
	}}
	if diff := cmp.Diff(want, offer.Diagnostics); diff != "" {
		t.Errorf("diagnostics (-want +got):\n%s", diff)
	}
}

func TestNameWithNUL(t *testing.T) {
	d := checkName("hostname", "a\x00b")
	if d == nil || !strings.Contains(d.Summary, `"a\x00b"`) || d.Hint != "--hostname ab" {
		t.Errorf("checkName = %+v, want an error that quotes the NUL", d)
	}
}
