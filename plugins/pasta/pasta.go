// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"net/netip"
	"os"
	"slices"
	"strings"

	"github.com/nsrun/nsrun/ns"
	"github.com/nsrun/nsrun/nsplugin"
	"github.com/nsrun/nsrun/nsplugin/helper"
	"github.com/nsrun/nsrun/nsplugin/nsnet"
)

// pasta is the plugin. Its fields are the options.
type pasta struct {
	nsnet.PublishOption
	nsnet.AddressOptions
	nsnet.MACOption
	nsnet.MTUOption
	nsnet.NameOptions
	nsnet.AllowHostOption
}

// program is what does the work.
var program = helper.Program{Name: "pasta", Package: "passt"}

// farewell is what pasta logs when it ends because the sandbox has; versions from
// 2024 on do that by themselves.
const farewell = "is gone, exiting"

// Describe says what the plugin is.
func (p *pasta) Describe() nsplugin.Info {
	return nsplugin.Info{
		Name:     "pasta",
		Version:  "0.1.0",
		Summary:  "network for ordinary users, by pasta: the host's addresses, without its loopback",
		Kinds:    []ns.Kind{ns.Net},
		Features: nsnet.Features(p),
	}
}

// wish is what the options come to.
type wish struct {
	program string // path
	ports   []nsnet.Mapping
	allowed []nsnet.Mapping
	ips     []nsnet.Address
	mac     string
	mtu     int
	names   *nsnet.Names
	ownDNS  bool // the user named the servers
}

// resolve reads the options. It returns all that is wrong with them, joined.
func (p *pasta) resolve() (*wish, error) {
	w := &wish{ownDNS: len(p.DNS) > 0}
	var errs [7]error
	w.program, errs[0] = program.Find()
	w.ports, errs[1] = p.Ports()
	w.allowed, errs[2] = p.Loopback()
	w.mtu, errs[3] = p.Bytes(true)
	w.names, errs[4] = p.Names()
	w.ips, errs[5] = p.Addresses()
	mac, err := p.HardwareAddr()
	w.mac, errs[6] = mac.String(), err
	return w, errors.Join(append(errs[:], checkAddresses(w.ips), nsnet.CheckTCPAndUDP("pasta", "publish", w.ports),
		nsnet.CheckTCPAndUDP("pasta", "allow-host", w.allowed))...)
}

// Negotiate checks everything that can be known before anything starts.
func (p *pasta) Negotiate(_ context.Context, req *ns.Request) (*ns.Offer, error) {
	if !slices.Contains(req.Owns, ns.Net) {
		return &ns.Offer{}, nil
	}
	w, err := p.resolve()
	if err := errors.Join(err, nsnet.CheckTun("pasta")); err != nil {
		return nil, err
	}
	if err := nsnet.CheckFree(w.ports); err != nil {
		return nil, err
	}
	offer := nsnet.NewOffer()
	if req.Facts.Root() && !req.Has(ns.User) {
		// By then pasta has dropped what it would need to open /proc/PID/ns.
		offer.Pin = []ns.Kind{ns.Net}
	}
	w.names.Offer(req, offer)
	return offer, nil
}

// PreExec starts pasta on the sandbox's network namespace.
func (p *pasta) PreExec(ctx context.Context, req *ns.HookRequest) (*ns.HookReply, error) {
	w, err := p.resolve()
	if err != nil {
		return nil, err
	}
	forward := !w.ownDNS && needsForward()
	reply, err := helper.Start(ctx, req, helper.Command{
		Name: "pasta", Path: w.program, Ready: 1, Args: w.arguments(namespaces(req), forward),
	})
	if err != nil {
		return nil, explain(err)
	}
	place := nsnet.Place{Addresses: nsnet.AddressesOf(req.PID)}
	if len(w.allowed) > 0 {
		place.Gateways = hostInside
	}
	if forward {
		place.DNS.Servers = []string{dnsForward}
	}
	reply.Results = w.results(place)
	w.names.Reply(req, place, reply)
	return reply, nil
}

// explain adds a way out to pasta's own words.
func explain(err error) error {
	var d *ns.Diagnostic
	if !errors.As(err, &d) {
		return err
	}
	switch {
	case strings.Contains(d.Detail, "namespace /proc/") && strings.Contains(d.Detail, "Permission denied"):
		// The kernel lets a caller open the namespaces of its own processes, unless a
		// security module is against it. Debian's profile is.
		return d.WithHint("--plugins net=slirp4netns; or the line \"ptrace (read),\" in AppArmor's profile of passt, if dmesg says DENIED")
	case strings.Contains(d.Detail, "routable interface"):
		return d.WithHint("a default route for this host, --plugins net=slirp4netns, or net=none")
	case strings.Contains(d.Detail, "bind"):
		return d.WithHint("other host ports, and from 1024 on as an ordinary user").WithOption("publish")
	}
	return d
}

// results are what nsctl shows of the network.
func (w *wish) results(place nsnet.Place) map[string]string {
	return nsnet.Results(map[string]string{
		"interface":  nsnet.Interface,
		"address":    nsnet.AddressesText(place.Addresses),
		"mac":        w.mac,
		"ports":      nsnet.PortsText(w.ports),
		"allow-host": nsnet.PortsText(w.allowed),
	})
}

// CheckRun says whether pasta still serves the sandbox.
func (p *pasta) CheckRun(_ context.Context, req *ns.HookRequest) ([]ns.Diagnostic, error) {
	found := nsnet.Findings{*helper.Check(req, "pasta")}
	found.CheckInterface(req.PID)
	found.CheckAddresses(req.PID, p.asked())
	return found, nil
}

// asked are the addresses that the user asked for, which were read before, in PreExec.
func (p *pasta) asked() []netip.Addr {
	ips, _ := p.Addresses()
	var all []netip.Addr
	for _, a := range ips {
		all = append(all, a.Addr)
	}
	return all
}

// PostExec ends pasta.
func (p *pasta) PostExec(ctx context.Context, req *ns.HookRequest) error {
	return helper.Finish(ctx, req, "pasta", farewell)
}

// Check says whether pasta is installed and can make an interface.
func (p *pasta) Check(context.Context, ns.Facts) ([]ns.Diagnostic, error) {
	path, err := program.Find()
	var found nsnet.Findings
	found.Tell(err, "helper "+path)
	found.Tell(nsnet.CheckTun("pasta"), "device "+nsnet.TunDevice)
	return found, nil
}

// needsForward reports whether the host's name servers are such as only the host
// reaches: pasta then answers in their stead.
func needsForward() bool {
	text, err := os.ReadFile("/etc/resolv.conf")
	return err == nil && strings.Contains(string(text), "nameserver") && len(nsnet.HostDNS().Servers) == 0
}
