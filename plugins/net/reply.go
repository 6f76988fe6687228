// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"fmt"
	"net/netip"

	current "github.com/containernetworking/cni/pkg/types/100"

	"github.com/nsrun/nsrun/ns"
	"github.com/nsrun/nsrun/nsplugin/nsnet"
)

// reply makes PreExec's answer from what CNI answered, and sees to the sandbox's name
// server.
func (w *wish) reply(req *ns.HookRequest, a *attachment, result *current.Result) (*ns.HookReply, error) {
	place := placeOf(result)
	var err error
	if a.Guest, err = w.leadToResolver(req, result, &place); err != nil {
		return nil, w.explain(err)
	}
	state, err := json.Marshal(a)
	if err != nil {
		return nil, fmt.Errorf("encode attachment: %w", err)
	}
	reply := &ns.HookReply{State: state, Results: w.results(a, result)}
	w.names.Reply(req, place, reply)
	return reply, nil
}

// results are what `nsctl inspect` shows of the network.
func (w *wish) results(a *attachment, result *current.Result) map[string]string {
	place := placeOf(result)
	return nsnet.Results(map[string]string{
		"network":   a.Network,
		"interface": a.Interface,
		"address":   nsnet.AddressesText(place.Addresses),
		"gateway":   nsnet.AddressesText(place.Gateways),
		"mac":       macOf(a.Interface, result),
		"ports":     nsnet.PortsText(w.ports),
	})
}

// placeOf says where the network has put the sandbox.
func placeOf(result *current.Result) nsnet.Place {
	var place nsnet.Place
	for _, ip := range result.IPs {
		if a, ok := netip.AddrFromSlice(ip.Address.IP); ok {
			place.Addresses = append(place.Addresses, a.Unmap())
		}
		if g, ok := netip.AddrFromSlice(ip.Gateway); ok {
			place.Gateways = append(place.Gateways, g.Unmap())
		}
	}
	place.DNS = nsnet.Resolv{Servers: result.DNS.Nameservers, Search: result.DNS.Search, Options: result.DNS.Options}
	if len(place.DNS.Search) == 0 && result.DNS.Domain != "" {
		place.DNS.Search = []string{result.DNS.Domain}
	}
	return place
}

// macOf returns the hardware address of the sandbox's interface.
func macOf(name string, result *current.Result) string {
	for _, i := range result.Interfaces {
		if i.Name == name && i.Sandbox != "" {
			return i.Mac
		}
	}
	return ""
}
