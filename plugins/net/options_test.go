// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"net"
	"os"
	"strings"
	"testing"
	"time"

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
		nstest.Case{Name: "ordinary user", Facts: ns.Facts{UID: 1000, GID: 1000, Dir: "/"}, Refused: "--plugins net=none"},
		nstest.Case{Name: "no such network", Settings: []ns.Setting{setting("network", "nowhere"), setting("cni-conf-dir", "/nowhere")}, Refused: "no network"},
	)
}

// TestAddresses asks for an address and a hardware address, of both families.
func TestAddresses(t *testing.T) {
	h := newHost(t)
	s := h.newSandbox()
	n := &network{
		SubnetOption: nsnet.SubnetOption{Subnet: []string{"10.9.0.0/24", "fd00:6e73::/64"}}, AddressOptions: nsnet.AddressOptions{IP: []string{"10.9.0.77", "fd00:6e73::77"}},
		MACOption: nsnet.MACOption{MAC: "02:00:5e:10:00:01"}, PublishOption: nsnet.PublishOption{Publish: []string{"[fd00:6e73::1]:8080:80", "8081:80"}},
	}
	reply, err := s.pre(n)
	if err != nil {
		t.Fatal(ns.Diagnose(err))
	}
	for key, want := range map[string]string{
		"address": "10.9.0.77 fd00:6e73::77", "gateway": "10.9.0.1 fd00:6e73::1", "mac": "02:00:5e:10:00:01",
		"interface": "eth0", "ports": "[fd00:6e73::1]:8080->80/tcp 8081->80/tcp",
	} {
		if got := reply.Results[key]; got != want {
			t.Errorf("%s %q; want %q", key, got, want)
		}
	}
	s.serve(80, "here")
	h.expect(h.path, "127.0.0.1:8081", "here")

	// The address is taken.
	other := h.newSandbox()
	m := &network{SubnetOption: n.SubnetOption, AddressOptions: nsnet.AddressOptions{IP: []string{"10.9.0.77"}}}
	_, err = other.pre(m)
	if err == nil || !strings.Contains(err.Error(), "address 10.9.0.77 is in use or out of range") {
		t.Errorf("got %v", err)
	}
	other.mustPost(m)
	s.mustPost(n)
	h.lacks(s.id, other.id, "10.9.0.77")
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
	a.mustPost(na)
	b.mustPost(nb)
}

// TestUDP publishes a UDP port.
func TestUDP(t *testing.T) {
	h := newHost(t)
	s := h.newSandbox()
	n := &network{PublishOption: nsnet.PublishOption{Publish: []string{"127.0.0.1:5353:53/udp"}}}
	s.mustPre(n)
	var server net.PacketConn
	must(t, in(s.path, func() (err error) {
		server, err = net.ListenPacket("udp4", ":53")
		return err
	}))
	defer server.Close()
	go func() {
		buf := make([]byte, 100)
		for {
			n, from, err := server.ReadFrom(buf)
			if err != nil {
				return
			}
			server.WriteTo(buf[:n], from)
		}
	}()
	conn, err := net.Dial("udp4", "127.0.0.1:5353")
	must(t, err)
	defer conn.Close()
	must(t, conn.SetDeadline(time.Now().Add(5*time.Second)))
	_, err = conn.Write([]byte("hello"))
	must(t, err)
	buf := make([]byte, 100)
	k, err := conn.Read(buf)
	if err != nil || string(buf[:k]) != "hello" {
		t.Errorf("got %q, %v", buf[:k], err)
	}
	s.mustPost(n)
}

// TestOutside reaches another machine, which knows nothing of the sandbox's
// address, and is told when a firewall keeps it from that.
func TestOutside(t *testing.T) {
	for _, nat := range []string{"nftables", "iptables"} {
		t.Run(nat, func(t *testing.T) {
			h := newHost(t)
			far := h.newSandbox()
			h.run("ip", "link", "add", "outside", "type", "veth", "peer", "name", "far")
			h.run("ip", "addr", "add", "192.0.2.1/24", "dev", "outside")
			h.run("ip", "link", "set", "outside", "up")
			h.run("ip", "link", "set", "far", "netns", far.path)
			h.run("nsenter", "--net="+far.path, "sh", "-c", "ip addr add 192.0.2.2/24 dev far; ip link set far up")
			far.serve(80, "far")

			s := h.newSandbox()
			n := &network{NAT: nat, PublishOption: nsnet.PublishOption{Publish: []string{"8080:80"}}}
			s.mustPre(n)
			s.serve(80, "near")
			h.expect(s.path, "192.0.2.2:80", "far")
			h.expect(far.path, "192.0.2.1:8080", "near")

			warned := func() bool {
				t.Helper()
				ds, err := (&network{bundled: h.binDir}).Check(context.Background(), ns.Facts{})
				must(t, err)
				return len(ds) == 1 && strings.Contains(ds[0].Summary, "drops what sandboxes send")
			}
			if warned() {
				t.Error("a warning without a firewall")
			}
			h.run("iptables", "-P", "FORWARD", "DROP")
			if !warned() {
				t.Error("no warning of the firewall")
			}
			h.run("iptables", "-I", "FORWARD", "-i", "nsrun0", "-j", "ACCEPT")
			h.run("iptables", "-I", "FORWARD", "-o", "nsrun0", "-j", "ACCEPT")
			if warned() {
				t.Error("a warning after what the hint says was done")
			}
			h.expect(s.path, "192.0.2.2:80", "far")
			h.expect(far.path, "192.0.2.1:8080", "near")
			s.mustPost(n)
		})
	}
}

// TestFiles puts name files into sandboxes that have a mount namespace.
func TestFiles(t *testing.T) {
	h := newHost(t)
	for _, tt := range []struct {
		name  string
		kinds []ns.Kind
		n     network
		want  map[string]string // a part of each file
	}{
		{"no mount namespace", []ns.Kind{ns.Net}, network{}, map[string]string{}},
		{"default", []ns.Kind{ns.Net, ns.Mount}, network{}, map[string]string{
			"/etc/resolv.conf": "", "/etc/hosts": "\n10.177.0.1\thost.nsrun.internal\n"}},
		{"options", []ns.Kind{ns.Net, ns.Mount}, network{NameOptions: nsnet.NameOptions{DNS: []string{"192.0.2.53"}, DNSSearch: []string{"a.example"}}}, map[string]string{
			"/etc/resolv.conf": "search a.example\nnameserver 192.0.2.53\n", "/etc/hosts": ""}},
		{"left alone", []ns.Kind{ns.Net, ns.Mount}, network{NameOptions: nsnet.NameOptions{DNS: []string{"none"}, NoHosts: true}}, map[string]string{}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := h.newSandbox()
			s.req.Request.Kinds = tt.kinds
			reply, err := s.pre(&tt.n)
			if err != nil {
				t.Fatal(ns.Diagnose(err))
			}
			defer s.mustPost(&tt.n)
			if ds := ns.CheckReply(s.req, reply); len(ds) > 0 {
				t.Errorf("nsrun would refuse the reply: %v", ds)
			}
			if len(reply.Steps) != len(tt.want) {
				t.Errorf("steps %v; want %v", reply.Steps, tt.want)
			}
			for _, step := range reply.Steps {
				if want, ok := tt.want[step.Target]; !ok || step.Op != ns.OpFile || !strings.Contains(step.Data, want) {
					t.Errorf("%s holds %q; want %q", step.Target, step.Data, want)
				}
			}
			tt.n.bundled = h.binDir
			offer, err := tt.n.Negotiate(context.Background(), &s.req.Request)
			must(t, err)
			if len(offer.Claims) != len(tt.want) {
				t.Errorf("claims %v; want %v", offer.Claims, tt.want)
			}
		})
	}
}

// TestNothingDone detaches runs whose attach never began, or was cut short while
// it wrote its record.
func TestNothingDone(t *testing.T) {
	h := newHost(t)
	s := h.newSandbox()
	before := h.snapshot()
	s.mustPost(&network{})
	must(t, os.MkdirAll(attachmentDir(s.req), 0o700))
	write(t, attachmentDir(s.req), recordFile, `{"runId": "ru`)
	s.mustPost(&network{})
	if h.snapshot() != before {
		t.Error("detaching nothing changed the host")
	}
}
