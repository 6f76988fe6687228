// SPDX-License-Identifier: Apache-2.0

package nettest

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/nsrun/nsrun/ns"
	"github.com/nsrun/nsrun/nsplugin/nsnet"
)

func staticAddress(h *Host, kit Kit) {
	subnet := nsnet.SubnetOption{Subnet: []string{"10.9.0.0/24"}}
	s, b := h.NewSandbox(), kit.New(Options{SubnetOption: subnet, AddressOptions: nsnet.AddressOptions{IP: []string{"10.9.0.77"}}})
	if ip := s.MustPre(b); ip != "10.9.0.77" {
		h.T.Errorf("address %s", ip)
	}
	s.Serve(80, "here")
	h.Expect(h.Path, "10.9.0.77:80", "here")
	other := h.NewSandbox()
	if _, err := other.Pre(b); err == nil || !strings.Contains(err.Error(), "address 10.9.0.77 is in use") {
		h.T.Errorf("the address twice: %v", err)
	}
	other.MustPost(b)
	h.Expect(h.Path, "10.9.0.77:80", "here")
	// Another sandbox with the address, and another hardware address, is reached at once.
	s.MustPost(b)
	again := h.NewSandbox()
	again.MustPre(b)
	again.Serve(80, "again")
	h.Expect(h.Path, "10.9.0.77:80", "again")
	again.MustPost(b)
	h.Lacks(s.ID, other.ID, again.ID, "10.9.0.77")
}

func bothFamilies(h *Host, kit Kit) {
	o := Options{
		SubnetOption:   nsnet.SubnetOption{Subnet: []string{"10.9.0.0/24", "fd00:6e73::/64"}},
		AddressOptions: nsnet.AddressOptions{IP: []string{"10.9.0.77"}, IP6: []string{"fd00:6e73::77"}},
		PublishOption:  nsnet.PublishOption{Publish: []string{"8080:80", "[fd00:6e73::1]:8081:80"}},
	}
	s, b := h.NewSandbox(), kit.New(o)
	if ips := s.MustPre(b); ips != "10.9.0.77 fd00:6e73::77" {
		h.T.Errorf("addresses %s", ips)
	}
	s.Serve(80, "here")
	h.await(s.Path, "[fd00:6e73::1]:8081")
	h.await(h.Path, "[fd00:6e73::77]:80")
	for _, address := range []string{"127.0.0.1:8080", "10.9.0.77:80", "[fd00:6e73::77]:80", "[fd00:6e73::1]:8080", "[fd00:6e73::1]:8081"} {
		h.Expect(h.Path, address, "here")
	}
	h.Expect(s.Path, "[fd00:6e73::1]:8081", "here")
	if !strings.Contains(s.Run("ip", "-6", "route"), "default via fd00:6e73::1") {
		h.T.Error("no default route of IPv6")
	}
	s.MustPost(b)
	h.Lacks(s.ID, "10.9.0.77", "fd00:6e73::77", "8081")
}

func hardware(h *Host, kit Kit) {
	const mac = "02:00:5e:10:00:01"
	s, b := h.NewSandbox(), kit.New(Options{MACOption: nsnet.MACOption{MAC: mac}, MTUOption: nsnet.MTUOption{MTU: 1400}})
	reply, err := s.Pre(b)
	if err != nil {
		h.T.Fatal(ns.Diagnose(err))
	}
	link := s.Run("ip", "link", "show", "eth0")
	if reply.Results["mac"] != mac || !strings.Contains(link, mac) || !strings.Contains(link, "mtu 1400 ") {
		h.T.Errorf("results %v, link %s", reply.Results, link)
	}
	s.MustPost(b)
}

func limited(h *Host, kit Kit) {
	s, b := h.NewSandbox(), kit.New(Options{BandwidthOption: nsnet.BandwidthOption{Bandwidth: []string{"in=8mbit", "out=4mbit"}}})
	ip := s.MustPre(b)
	qdiscs := h.Run("tc", "qdisc", "show")
	for _, want := range []string{"tbf", "rate 8Mbit", "rate 4Mbit"} {
		if !strings.Contains(qdiscs, want) {
			h.T.Errorf("no %q in %s", want, qdiscs)
		}
	}
	s.Serve(80, "here")
	h.Expect(h.Path, ip+":80", "here")
	// Both directions go through a bucket.
	for _, rate := range []string{"rate 8Mbit", "rate 4Mbit"} {
		_, after, _ := strings.Cut(h.Run("tc", "-s", "qdisc", "show"), rate)
		_, sent, _ := strings.Cut(after, "Sent ")
		if strings.HasPrefix(sent, "0 bytes") {
			h.T.Errorf("nothing was sent at %s", rate)
		}
	}
	s.MustPost(b)
	if left := h.Run("tc", "qdisc", "show"); strings.Contains(left, "tbf") {
		h.T.Errorf("left: %s", left)
	}
	h.Lacks(s.ID, `(nsri|bwp)\w*`)
}

func exhausted(h *Host, kit Kit) {
	b := kit.New(Options{SubnetOption: nsnet.SubnetOption{Subnet: []string{"10.9.0.0/30"}}})
	first, second := h.NewSandbox(), h.NewSandbox()
	if ip := first.MustPre(b); ip != "10.9.0.2" {
		h.T.Errorf("address %s", ip)
	}
	_, err := second.Pre(b)
	said := fmt.Sprint(ns.Diagnose(err))
	if err == nil || !strings.Contains(said, "no address left in 10.9.0.0/30") && !strings.Contains(said, "no address left in 10.9.0.1-10.9.0.2") ||
		!strings.Contains(said, "all 1 are leased") || !strings.Contains(said, "nsctl gc") {
		h.T.Errorf("got %s", said)
	}
	second.MustPost(b)
	first.MustPost(b)
	third := h.NewSandbox()
	if ip := third.MustPre(b); ip != "10.9.0.2" {
		h.T.Errorf("address %s", ip)
	}
	third.MustPost(b)
}

func refused(h *Host, kit Kit) {
	o := Options{
		PublishOption:   nsnet.PublishOption{Publish: []string{"80:80", "80:81", "x"}},
		AddressOptions:  nsnet.AddressOptions{IP: []string{"nonsense", "192.0.2.1"}},
		MACOption:       nsnet.MACOption{MAC: "01:00:5e:00:00:01"},
		MTUOption:       nsnet.MTUOption{MTU: 1},
		NameOptions:     nsnet.NameOptions{DNS: []string{"one.one"}},
		BandwidthOption: nsnet.BandwidthOption{Bandwidth: []string{"fast"}},
	}
	s := h.NewSandbox()
	_, err := kit.New(o).Negotiate(context.Background(), &s.Req.Request)
	faults := map[string]int{}
	for _, d := range ns.Diagnose(err) {
		faults[d.Option]++
	}
	for option, least := range map[string]int{"publish": 2, "ip": 1, "mac": 1, "mtu": 1, "dns": 1, "bandwidth": 1} {
		if faults[option] < least {
			h.T.Errorf("%d errors of --%s; want %d: %v", faults[option], option, least, ns.Diagnose(err))
		}
	}
	s.Req.Request.Facts.UID = 1000
	if _, err := kit.New(Options{}).Negotiate(context.Background(), &s.Req.Request); err == nil {
		h.T.Error("an ordinary user was not refused")
	}
}

func walled(h *Host, kit Kit) {
	s := h.NewSandbox()
	for _, rule := range []string{"-P FORWARD DROP", "-I FORWARD -i " + kit.Device[:len(kit.Device)-1] + "+ -j ACCEPT"} {
		h.Run("iptables", strings.Fields(rule)...)
		offer, err := kit.New(Options{}).Negotiate(context.Background(), &s.Req.Request)
		if err != nil {
			h.T.Fatal(ns.Diagnose(err))
		}
		warned := slices.ContainsFunc(offer.Diagnostics, func(d ns.Diagnostic) bool { return d.Severity == ns.Warning })
		if drops := strings.HasPrefix(rule, "-P"); warned != drops {
			h.T.Errorf("after iptables %s: %v", rule, offer.Diagnostics)
		}
	}
}
