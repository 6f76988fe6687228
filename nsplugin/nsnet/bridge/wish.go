// SPDX-License-Identifier: Apache-2.0

package bridge

import (
	"errors"
	"net"

	"github.com/nsrun/nsrun/nsplugin"
	"github.com/nsrun/nsrun/nsplugin/nsnet"
)

// Wish is what a sandbox is to have on a bridge.
type Wish struct {
	// Subnets are the bridge's networks, which choose the bridge. Required.
	Subnets nsnet.Subnets
	// Ports are published by rules of the kernel.
	Ports []nsnet.Mapping
	// Loopback are the ports of the host, by its address on the bridge, that lead the
	// sandbox to ports on the host's IPv4 loopback: HostIP and HostPort.
	Loopback []nsnet.Mapping
	// IPs are the sandbox's addresses, one of each family at most.
	IPs []nsnet.Address
	// MAC is its hardware address; nil leaves it to the kernel.
	MAC net.HardwareAddr
	// MTU is that of its interface in bytes; 0 leaves it to the kernel.
	MTU int
	// Limits are how much it may receive and send.
	Limits nsnet.Bandwidth
	// Isolate keeps it from other bridges.
	Isolate bool
}

// network is the wish's bridge.
func (w *Wish) network() network { return newNetwork(w.Subnets) }

// Device is the name of the bridge.
func (w *Wish) Device() string { return w.network().device }

// Check returns all that is wrong with the wish whatever the host, joined.
func (w *Wish) Check() error {
	return errors.Join(w.Subnets.CheckWishes(w.IPs, w.Ports), w.oneOfAFamily(), w.checkLoopback())
}

// checkLoopback returns an error if the sandbox is to reach the host's loopback, and has no
// IPv4 address to do so.
func (w *Wish) checkLoopback() error {
	if len(w.Loopback) == 0 || w.Subnets.Speaks(true) {
		return nil
	}
	return nsplugin.Errorf("allow-host %d: %s", w.Loopback[0].Port, nsnet.OnlyByIPv4).
		WithOption("allow-host").WithHint("--subnet with an IPv4 network")
}

// oneOfAFamily returns an error if two of the addresses are of one family: the
// sandbox has one interface with one address of each.
func (w *Wish) oneOfAFamily() error {
	have := map[bool]nsnet.Address{}
	for _, a := range w.IPs {
		if other, twice := have[a.Is4()]; twice {
			return nsplugin.Errorf("%s %s: the sandbox has %s already", a.Option, a, other).
				WithOption(a.Option).WithHint("one address of each family")
		}
		have[a.Is4()] = a
	}
	return nil
}

// CheckHost returns an error if something on this host is in the way of the bridge.
func (w *Wish) CheckHost() error {
	problem, hint := w.Subnets.BridgeProblem(w.Device())
	if problem == "" {
		return nil
	}
	return nsplugin.Errorf("attach to bridge %s: %s", w.Device(), problem).WithHint(hint)
}
