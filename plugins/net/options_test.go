// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/nsrun/nsrun/ns"
	"github.com/nsrun/nsrun/nsplugin/nsnet"
	"github.com/nsrun/nsrun/nsplugin/nstest"
)

func TestConformance(t *testing.T) {
	h := newHost(t)
	// The kit calls the plugin on threads of its own, which are in the test
	// process's first namespace.
	setting := func(option string, args ...string) ns.Setting { return ns.Setting{Option: option, Args: args} }
	nstest.Test(t, &network{bundled: h.binDir},
		nstest.Case{Name: "published", Settings: []ns.Setting{setting("publish", "8080:80"), setting("publish", "127.0.0.1:53:53/udp")}},
		nstest.Case{Name: "addresses", Settings: []ns.Setting{setting("ip", "10.177.0.9"), setting("mac", "02:00:5e:10:00:01")}},
		nstest.Case{Name: "names", Kinds: []ns.Kind{ns.Mount}, Settings: []ns.Setting{setting("dns", "192.0.2.1"), setting("dns-search", "a.example")}},
		nstest.Case{Name: "ordinary user", Facts: ns.Facts{UID: 1000, GID: 1000, Dir: "/"}, Refused: "net=none"},
		nstest.Case{Name: "no such network", Settings: []ns.Setting{setting("network", "nowhere"), setting("cni-conf-dir", "/nowhere")}, Refused: "no network"},
	)
}

// TestSubnetsSideBySide has two bridges of nsrun's own.
func TestSubnetsSideBySide(t *testing.T) {
	h := newHost(t)
	a, b := h.newSandbox(), h.newSandbox()
	na, nb := &network{}, &network{SubnetOption: nsnet.SubnetOption{Subnet: []string{"10.9.0.0/24"}}}
	if ip := a.mustPre(na); ip != "10.177.0.2" {
		t.Errorf("address %s", ip)
	}
	if ip := b.mustPre(nb); ip != "10.9.0.2" {
		t.Errorf("address %s", ip)
	}
	a.MustPost(na)
	b.MustPost(nb)
}

// TestOutside reaches another machine, which knows nothing of the sandbox's
// address, and is told when a firewall keeps it from that.
func TestOutside(t *testing.T) {
	for _, nat := range []string{"nftables", "iptables"} {
		t.Run(nat, func(t *testing.T) {
			h := newHost(t)
			far := h.newSandbox()
			h.Run("ip", "link", "add", "outside", "type", "veth", "peer", "name", "far")
			h.Run("ip", "addr", "add", "192.0.2.1/24", "dev", "outside")
			h.Run("ip", "link", "set", "outside", "up")
			h.Run("ip", "link", "set", "far", "netns", far.Path)
			h.Run("nsenter", "--net="+far.Path, "sh", "-c", "ip addr add 192.0.2.2/24 dev far; ip link set far up")
			far.Serve(80, "far")

			s := h.newSandbox()
			n := &network{NAT: nat, PublishOption: nsnet.PublishOption{Publish: []string{"8080:80"}}}
			s.mustPre(n)
			s.Serve(80, "near")
			h.Expect(s.Path, "192.0.2.2:80", "far")
			h.Expect(far.Path, "192.0.2.1:8080", "near")

			warned := func() bool {
				t.Helper()
				ds, err := (&network{bundled: h.binDir}).Check(context.Background(), ns.Facts{})
				must(t, err)
				return slices.ContainsFunc(ds, func(d ns.Diagnostic) bool { return strings.Contains(d.Summary, "drops what sandboxes send") })
			}
			if warned() {
				t.Error("a warning without a firewall")
			}
			h.Run("iptables", "-P", "FORWARD", "DROP")
			if !warned() {
				t.Error("no warning of the firewall")
			}
			h.Run("iptables", "-I", "FORWARD", "-i", "nsrun0", "-j", "ACCEPT")
			h.Run("iptables", "-I", "FORWARD", "-o", "nsrun0", "-j", "ACCEPT")
			if warned() {
				t.Error("a warning after what the hint says was done")
			}
			h.Expect(s.Path, "192.0.2.2:80", "far")
			h.Expect(far.Path, "192.0.2.1:8080", "near")
			s.MustPost(n)
		})
	}
}

// TestNothingDone detaches runs whose attach never began, or was cut short while
// it wrote its record.
func TestNothingDone(t *testing.T) {
	h := newHost(t)
	s := h.newSandbox()
	before := h.Snapshot()
	s.MustPost(&network{})
	must(t, os.MkdirAll(attachmentDir(s.Req), 0o700))
	write(t, attachmentDir(s.Req), recordFile, `{"runId": "ru`)
	s.MustPost(&network{})
	if h.Snapshot() != before {
		t.Error("detaching nothing changed the host")
	}
}
