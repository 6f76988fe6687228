// SPDX-License-Identifier: Apache-2.0

package main

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/nsrun/nsrun/nsplugin/nsnet"
)

// TestBridge attaches two sandboxes to nsrun's own bridge with iptables, on hosts where
// frames on a bridge pass the IP rules and where they don't. TestDefaultNetwork does it
// with nftables.
func TestBridge(t *testing.T) {
	for _, filter := range []string{"0", "1"} {
		t.Run("bridge filter "+filter, func(t *testing.T) {
			h := newHost(t)
			h.FilterBridges(filter)
			testBridge(h, "iptables")
		})
	}
}

func testBridge(h *host, nat string) {
	h.Run("ip", "link", "add", "outside", "type", "veth", "peer", "name", "far")
	h.Run("ip", "addr", "add", "192.0.2.1/24", "dev", "outside")
	h.Run("ip", "link", "set", "outside", "up")
	a, b := h.newSandbox(), h.newSandbox()
	na := &network{NAT: nat, PublishOption: nsnet.PublishOption{Publish: []string{"8080:80"}}}
	nb := &network{NAT: nat, PublishOption: nsnet.PublishOption{Publish: []string{"8081:80"}}}
	ipA, ipB := a.mustPre(na), b.mustPre(nb)
	a.Serve(80, "a")
	b.Serve(80, "b")

	h.Expect(a.Path, ipB+":80", "b")
	h.Expect(b.Path, ipA+":80", "a")
	for _, address := range []string{"127.0.0.1", "192.0.2.1", "10.177.0.1"} {
		h.Expect(h.Path, address+":8080", "a")
		h.Expect(h.Path, address+":8081", "b")
	}
	for _, address := range []string{"192.0.2.1:8080", "10.177.0.1:8080"} {
		h.Expect(a.Path, address, "a")
		h.Expect(b.Path, address, "a")
	}

	a.MustPost(na)
	b.MustPost(nb)
	h.Lacks(a.ID, b.ID, ipA, ipB, `veth\w*`)
}

// TestNothingLeft compares the host before and after runs, with each backend.
func TestNothingLeft(t *testing.T) {
	for _, nat := range []string{"nftables", "iptables"} {
		t.Run(nat, func(t *testing.T) {
			h := newHost(t)
			var before string
			for i := range 3 {
				s := h.newSandbox()
				n := &network{NAT: nat, PublishOption: nsnet.PublishOption{Publish: []string{"127.0.0.1:8080:80", "9000-9002:90-92/udp"}}}
				ip := s.mustPre(n)
				if h.Snapshot() == before {
					t.Fatal("the snapshot doesn't see a sandbox")
				}
				s.MustPost(n)
				h.Lacks(s.ID, ip)
				// The bridge and the shared chains are there from the first run on.
				after := h.Snapshot()
				if i > 0 {
					if d := cmp.Diff(before, after); d != "" {
						t.Fatalf("run %d left something:\n%s", i, d)
					}
				}
				before = after
				must(t, s.Post(n))
			}
		})
	}
}

// TestNamespaceGone detaches after the namespace has ended, where the reference
// plugins alone would leave their rules.
func TestNamespaceGone(t *testing.T) {
	for _, nat := range []string{"nftables", "iptables"} {
		for _, how := range []string{"gone", "plain file"} {
			t.Run(nat+" "+how, func(t *testing.T) {
				h := newHost(t)
				s := h.newSandbox()
				n := &network{NAT: nat, PublishOption: nsnet.PublishOption{Publish: []string{"8080:80"}}}
				ip := s.mustPre(n)
				s.Unpin()
				if how == "gone" {
					s.Req.Paths = nil
					h.Run("rm", s.Path)
				}
				s.MustPost(n)
				h.Lacks(s.ID, ip, `veth\w*`)
			})
		}
	}
}
