// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"strings"
	"testing"

	"github.com/nsrun/nsrun/ns"
	"github.com/nsrun/nsrun/nsplugin/nsnet"
	"github.com/nsrun/nsrun/nsplugin/nsnet/bridge"
	"github.com/nsrun/nsrun/nsplugin/nsnet/nettest"
)

// TestCheckRun takes one thing after the other from a sandbox; each is told, and
// nothing else.
func TestCheckRun(t *testing.T) {
	for _, tt := range []struct {
		name  string
		take  func(h *nettest.Host, s *nettest.Sandbox)
		wants []string // errors; HOST is the host's end of the pair
	}{
		{"nothing", func(*nettest.Host, *nettest.Sandbox) {}, nil},
		{"the address", func(_ *nettest.Host, s *nettest.Sandbox) { s.Run("ip", "addr", "flush", "dev", "eth0") },
			[]string{"address 10.178.0.2 of eth0: it is gone", "default route via 10.178.0.1: it is gone"}},
		{"the route", func(_ *nettest.Host, s *nettest.Sandbox) { s.Run("ip", "route", "del", "default") },
			[]string{"default route via 10.178.0.1: it is gone"}},
		{"the pair", func(_ *nettest.Host, s *nettest.Sandbox) { s.Run("ip", "link", "del", "eth0") },
			[]string{"port HOST of bridge nsrunn0: it is gone", "interface eth0: it is gone"}},
		{"the port's bridge", func(h *nettest.Host, s *nettest.Sandbox) {
			h.Run("ip", "link", "set", bridge.HostEnd(s.ID), "nomaster")
		},
			[]string{"port HOST of bridge nsrunn0: it is not in the bridge"}},
		{"the bridge's address", func(h *nettest.Host, _ *nettest.Sandbox) { h.Run("ip", "addr", "flush", "dev", "nsrunn0") },
			[]string{"address 10.178.0.1/16 of bridge nsrunn0: it is gone"}},
		{"the bridge's state", func(h *nettest.Host, _ *nettest.Sandbox) { h.Run("ip", "link", "set", "nsrunn0", "down") },
			[]string{"bridge nsrunn0: it is down"}},
		{"the lease", func(h *nettest.Host, _ *nettest.Sandbox) { h.Run("rm", bridge.Dir+"/networks/nsrunn0/10.178.0.2") },
			[]string{"lease of 10.178.0.2: it is gone, so that another run can get the address"}},
		{"a published port", func(h *nettest.Host, _ *nettest.Sandbox) {
			h.Run("nft", "flush", "map", "inet", "nsrun", "any4")
		}, []string{"port 8080->80/tcp to 10.178.0.2: nftables set inet nsrun any4 lacks it"}},
		{"the table", func(h *nettest.Host, _ *nettest.Sandbox) { h.Run("nft", "flush", "ruleset") }, []string{
			"rules for 10.178.0.2: nftables table inet nsrun is gone",
			"port 8080->80/tcp to 10.178.0.2: nftables table inet nsrun is gone",
			"port 127.0.0.1:53->5353/udp to 10.178.0.2: nftables table inet nsrun is gone"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := nettest.NewHost(t)
			s, n := h.NewSandbox(), &native{Options: bridge.Options{PublishOption: nsnet.PublishOption{Publish: []string{"8080:80", "127.0.0.1:53:5353/udp"}}}}
			s.MustPre(n)
			tt.take(h, s)
			found := checkRun(t, s, n)
			var errs []string
			for _, d := range found {
				if d.Severity == ns.Error {
					errs = append(errs, strings.ReplaceAll(d.Summary, bridge.HostEnd(s.ID), "HOST"))
				}
			}
			if got, want := strings.Join(errs, "\n"), strings.Join(tt.wants, "\n"); got != want || len(found) < 8 {
				t.Errorf("%d findings, of which don't hold:\n%s\nwant\n%s", len(found), got, want)
			}
			s.MustPost(n)
		})
	}
}

func checkRun(t *testing.T, s *nettest.Sandbox, n *native) []ns.Diagnostic {
	t.Helper()
	s.Req.Point = ns.CheckRun
	found, err := n.CheckRun(context.Background(), s.Req)
	if err != nil {
		t.Fatalf("%+v", ns.Diagnose(err))
	}
	return found
}
