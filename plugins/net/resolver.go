// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"

	current "github.com/containernetworking/cni/pkg/types/100"

	"github.com/nsrun/nsrun/ns"
	"github.com/nsrun/nsrun/nsplugin/nsnet"
	"github.com/nsrun/nsrun/nsplugin/nsnet/bridge"
)

// leadToResolver leads the sandbox to a name server on the host's loopback, if it needs
// that, by its gateway. It completes the place: by the name server, or by why there is
// none. It returns what is to be checked of it, or nil.
func (w *wish) leadToResolver(req *ns.HookRequest, result *current.Result, place *nsnet.Place) (*bridge.Guest, error) {
	server, needed := w.names.LoopbackResolver(req)
	if !needed || len(place.DNS.Servers) > 0 {
		return nil, nil
	}
	g, err := guestOf(req.RunID, result, nsnet.ResolverPorts(server))
	if err != nil {
		place.NoResolver = err.Error()
		return nil, nil
	}
	g.Own = w.own != nil
	if err := g.Admit(); err != nil {
		return nil, fmt.Errorf("lead the sandbox to the host's name server %s: %w", server, err)
	}
	for _, y := range g.Ways {
		place.DNS.Servers = append(place.DNS.Servers, y.Host.String())
	}
	return g, nil
}

// guestOf returns the guest whose ports of the gateway lead to the host's loopback. The
// error is why the gateway can't: only what the host itself receives can be led elsewhere.
func guestOf(runID string, result *current.Result, ports []nsnet.Mapping) (*bridge.Guest, error) {
	if err := bridge.CheckTables(); err != nil {
		return nil, err
	}
	ways, err := waysOf(result)
	if err != nil {
		return nil, err
	}
	g, err := bridge.NewGuest(runID, ways, ports)
	if err == nil && !slices.Contains(hostInterfaces(result), g.Device) {
		err = fmt.Errorf("%s, by which the host sends to the sandbox, is none of the network's interfaces", g.Device)
	}
	return g, err
}

// waysOf are the sandbox's IPv4 addresses, each with its gateway.
func waysOf(result *current.Result) (ways []bridge.Way, err error) {
	err = errors.New(nsnet.OnlyByIPv4)
	for _, ip := range result.IPs {
		from, _ := netip.AddrFromSlice(ip.Address.IP)
		gateway, known := netip.AddrFromSlice(ip.Gateway)
		switch {
		case !from.Unmap().Is4():
		case !known:
			err = fmt.Errorf("the network has no gateway for %s", from.Unmap())
		default:
			ways = append(ways, bridge.Way{From: from.Unmap(), Host: gateway.Unmap()})
		}
	}
	if len(ways) > 0 {
		err = nil
	}
	return ways, err
}

// hostInterfaces are the names of the interfaces that the network has on the host.
func hostInterfaces(result *current.Result) (names []string) {
	for _, i := range result.Interfaces {
		if i.Sandbox == "" {
			names = append(names, i.Name)
		}
	}
	return names
}
