// SPDX-License-Identifier: Apache-2.0

package nettest

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/nsrun/nsrun/ns"
	"github.com/nsrun/nsrun/nsplugin/nsnet"
)

// DefaultNetwork tests that a backend's default network, its own bridge, does what
// users expect of it, whichever backend they choose.
func DefaultNetwork(t *testing.T, kit Kit) {
	for _, tt := range []struct {
		name string
		test func(h *Host, kit Kit)
	}{
		{"results say where the sandbox is", results},
		{"sandboxes reach each other and the host", neighbours},
		{"an address is asked for", staticAddress},
		{"both families", bothFamilies},
		{"a hardware address and an mtu are asked for", hardware},
		{"bandwidth is limited in both directions", limited},
		{"names", names},
		{"other machines are reached, and reach published ports", outside},
		{"only the host's own addresses are published on", elsewhere},
		{"a pool with one address", exhausted},
		{"a run that was never attached is detached", neverAttached},
		{"detaching twice, with the namespace gone", namespaceGone},
		{"detaching again, when another run has all of it", detachedLate},
		{"killed while attaching", killed},
		{"many at once", many},
		{"wrong options are refused together", refused},
		{"a firewall that drops forwarded packets is told of", walled},
	} {
		t.Run(tt.name, func(t *testing.T) { tt.test(NewHost(t), kit) })
	}
	// Where br_netfilter is loaded, as Docker does, frames on a bridge pass the IP rules.
	for _, filter := range []string{"0", "1"} {
		t.Run("ports are published, bridge filter "+filter, func(t *testing.T) {
			h := NewHost(t)
			h.FilterBridges(filter)
			published(h, kit)
		})
	}
}

// publish is the option --publish.
func publish(ports ...string) Options {
	return Options{PublishOption: nsnet.PublishOption{Publish: ports}}
}

func results(h *Host, kit Kit) {
	s, b := h.NewSandbox(), kit.New(publish("8080:80", "127.0.0.1:53:5353/udp"))
	reply, err := s.Pre(b)
	if err != nil {
		h.T.Fatal(ns.Diagnose(err))
	}
	subnet := netip.MustParsePrefix(kit.Subnet)
	addr, _ := netip.ParseAddr(reply.Results["address"])
	if !subnet.Contains(addr) || addr == nsnet.Gateway(subnet) {
		h.T.Errorf("address %s", addr)
	}
	for key, want := range map[string]string{
		"gateway": nsnet.Gateway(subnet).String(), "interface": "eth0", "ports": "8080->80/tcp 127.0.0.1:53->5353/udp",
	} {
		if got := reply.Results[key]; got != want {
			h.T.Errorf("%s %q; want %q", key, got, want)
		}
	}
	shown := s.Run("ip", "-o", "addr", "show", "eth0") + s.Run("ip", "link", "show", "eth0") + s.Run("ip", "route")
	for _, want := range []string{fmt.Sprintf("%s/%d ", addr, subnet.Bits()), reply.Results["mac"], "default via " + reply.Results["gateway"]} {
		if !strings.Contains(shown, want) {
			h.T.Errorf("no %q in the sandbox:\n%s", want, shown)
		}
	}
	s.MustPost(b)
	h.Lacks(s.ID, addr.String(), `(veth|nsrv)\w*`)
}

func neighbours(h *Host, kit Kit) {
	a, b, backend := h.NewSandbox(), h.NewSandbox(), kit.New(Options{})
	ipA, ipB := a.MustPre(backend), b.MustPre(backend)
	if ipA == ipB {
		h.T.Fatalf("both have %s", ipA)
	}
	a.Serve(80, "a")
	b.Serve(80, "b")
	h.Expect(a.Path, ipB+":80", "b")
	h.Expect(b.Path, ipA+":80", "a")
	h.Expect(h.Path, ipA+":80", "a")
	a.MustPost(backend)
	h.Expect(h.Path, ipB+":80", "b")
	b.MustPost(backend)
	h.Lacks(a.ID, b.ID, ipA, ipB, `(veth|nsrv)\w*`)
}

func published(h *Host, kit Kit) {
	h.Run("ip", "link", "add", "outside", "type", "veth", "peer", "name", "far")
	h.Run("ip", "addr", "add", "192.0.2.1/24", "dev", "outside")
	h.Run("ip", "link", "set", "outside", "up")
	a, b := h.NewSandbox(), h.NewSandbox()
	forA, forB := kit.New(publish("8080:80", "5353:53/udp")), kit.New(publish("192.0.2.1:8081:80", "127.0.0.1:9000-9002:80-82"))
	ipA, ipB := a.MustPre(forA), b.MustPre(forB)
	a.Serve(80, "a")
	a.ServeUDP(53)
	b.Serve(80, "b")
	b.Serve(82, "b2")
	gateway := nsnet.Gateway(netip.MustParsePrefix(kit.Subnet)).String()
	for _, address := range []string{"127.0.0.1", "192.0.2.1", gateway} {
		h.Expect(h.Path, address+":8080", "a")
	}
	h.Expect(h.Path, "192.0.2.1:8081", "b")
	h.Expect(h.Path, "127.0.0.1:9000", "b")
	h.Expect(h.Path, "127.0.0.1:9002", "b2")
	for _, from := range []*Sandbox{a, b} { // a by way of the host to itself
		h.Expect(from.Path, "192.0.2.1:8080", "a")
		h.Expect(from.Path, gateway+":8080", "a")
		h.Expect(from.Path, "192.0.2.1:8081", "b")
	}
	for _, from := range []string{h.Path, b.Path} {
		if got, err := Echo(from, "192.0.2.1:5353"); got != "echo" {
			h.T.Errorf("udp: got %q, %v", got, err)
		}
	}
	for _, address := range []string{"127.0.0.1:8081", "192.0.2.1:9000"} {
		if got, err := Ask(h.Path, address); err == nil {
			h.T.Errorf("%s, which isn't published, answered %q", address, got)
		}
	}
	a.MustPost(forA)
	h.Lacks(a.ID, ipA, "8080", "5353") // while there is another one
	h.Expect(h.Path, "127.0.0.1:9000", "b")
	b.MustPost(forB)
	h.Lacks(b.ID, ipB, `(nsrv|veth)\w*`, "8081", "9000")
}

func outside(h *Host, kit Kit) {
	far := h.NewSandbox()
	h.Run("ip", "link", "add", "outside", "type", "veth", "peer", "name", "far")
	h.Run("ip", "addr", "add", "192.0.2.1/24", "dev", "outside")
	h.Run("ip", "link", "set", "outside", "up")
	h.Run("ip", "link", "set", "far", "netns", far.Path)
	far.Run("sh", "-c", "ip addr add 192.0.2.2/24 dev far; ip link set far up")
	far.Serve(80, "far")
	s, b := h.NewSandbox(), kit.New(publish("8080:80"))
	s.MustPre(b)
	s.Serve(80, "near")
	h.Expect(s.Path, "192.0.2.2:80", "far")
	h.Expect(far.Path, "192.0.2.1:8080", "near")
	s.MustPost(b)
	if got, err := Ask(far.Path, "192.0.2.1:8080"); err == nil {
		h.T.Errorf("the port answered %q after the run", got)
	}
}

// elsewhere has another machine listen on a number that is published here: what
// sandboxes send there must go there; CVE-2025-67499.
func elsewhere(h *Host, kit Kit) {
	a, b := h.NewSandbox(), h.NewSandbox()
	forA, forB := kit.New(publish("8080:80")), kit.New(Options{})
	a.MustPre(forA)
	ipB := b.MustPre(forB)
	a.Serve(80, "a")
	b.Serve(8080, "b")
	h.Expect(a.Path, ipB+":8080", "b")
	h.Expect(h.Path, ipB+":8080", "b")
	a.MustPost(forA)
	b.MustPost(forB)
}

func names(h *Host, kit Kit) {
	for _, tt := range []struct {
		name  string
		kinds []ns.Kind
		o     nsnet.NameOptions
		want  map[string]string // a part of each file
	}{
		{"no mount namespace", nil, nsnet.NameOptions{}, map[string]string{}},
		{"mount namespace", []ns.Kind{ns.Mount}, nsnet.NameOptions{}, map[string]string{"/etc/resolv.conf": "", "/etc/hosts": "\thost.nsrun.internal\n"}},
		{"options", []ns.Kind{ns.Mount}, nsnet.NameOptions{DNS: []string{"192.0.2.53"}, DNSSearch: []string{"a.example"}, AddHost: []string{"me:host-gateway"}},
			map[string]string{"/etc/resolv.conf": "search a.example\nnameserver 192.0.2.53\n", "/etc/hosts": "\tme\n"}},
		{"left alone", []ns.Kind{ns.Mount}, nsnet.NameOptions{DNS: []string{"none"}, NoHosts: true}, map[string]string{}},
	} {
		s, b := h.NewSandbox(), kit.New(Options{NameOptions: tt.o})
		s.Req.Request.Kinds = append(s.Req.Request.Kinds, tt.kinds...)
		reply, err := s.Pre(b)
		if err != nil {
			h.T.Fatal(ns.Diagnose(err))
		}
		if ds := ns.CheckReply(s.Req, reply); len(ds) > 0 || len(reply.Steps) != len(tt.want) {
			h.T.Errorf("%s: steps %v; want %v; nsrun says %v", tt.name, reply.Steps, tt.want, ds)
		}
		for _, step := range reply.Steps {
			if want, ok := tt.want[step.Target]; !ok || step.Op != ns.OpFile || !strings.Contains(step.Data, want) {
				h.T.Errorf("%s: %s holds %q; want %q", tt.name, step.Target, step.Data, want)
			}
			if step.Target == "/etc/hosts" && !strings.Contains(step.Data, reply.Results["address"]+"\t"+s.ID) {
				h.T.Errorf("%s: no line for the sandbox in %q", tt.name, step.Data)
			}
		}
		offer, err := b.Negotiate(context.Background(), &s.Req.Request)
		if err != nil || len(offer.Claims) != len(tt.want) {
			h.T.Errorf("%s: claims %v, %v", tt.name, offer.Claims, err)
		}
		s.MustPost(b)
	}
}
