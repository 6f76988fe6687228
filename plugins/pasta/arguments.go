// SPDX-License-Identifier: Apache-2.0

package main

import (
	"net/netip"
	"os"
	"strconv"

	"github.com/nsrun/nsrun/ns"
	"github.com/nsrun/nsrun/nsplugin/nsnet"
)

// dnsForward is the name server that a sandbox is told where the host's own is on
// its loopback: a link-local address, which no route leads to.
const dnsForward = "169.254.1.1"

// hostInside is where a sandbox finds the ports of --allow-host.
var hostInside = []netip.Addr{netip.AddrFrom4([4]byte{127, 0, 0, 1})}

// target is the namespace that pasta is to serve.
type target struct {
	net  string
	user string // "" where the run has no user namespace of its own
	root bool   // pasta is started by root
}

// namespaces returns the run's.
func namespaces(req *ns.HookRequest) target {
	return target{net: req.Paths[ns.Net], user: req.Paths[ns.User], root: os.Geteuid() == 0}
}

// arguments returns what pasta is told. Whatever isn't asked for is told to be off:
// by itself pasta maps the host's loopback to the gateway's address, and forwards
// every port that somebody listens on, in both directions.
func (w *wish) arguments(t target, forwardDNS bool) []string {
	args := []string{
		"--foreground", "--pid", "/proc/self/fd/1", // written when all is set up
		"--config-net", "--ns-ifname", nsnet.Interface, "--no-map-gw",
	}
	if w.mtu > 0 {
		args = append(args, "--mtu", strconv.Itoa(w.mtu))
	}
	for _, a := range w.ips {
		args = append(args, addressArguments(a)...)
	}
	if w.mac != "" {
		args = append(args, "--ns-mac-addr", w.mac)
	}
	if forwardDNS {
		args = append(args, "--dns-forward", dnsForward)
	}
	args = append(args, ports("--tcp-ports", "tcp", w.ports)...)
	args = append(args, ports("--udp-ports", "udp", w.ports)...)
	args = append(args, ports("--tcp-ns", "tcp", w.allowed)...)
	args = append(args, ports("--udp-ns", "udp", w.allowed)...)
	return append(args, t.arguments()...)
}

// arguments say which namespaces to join.
func (t target) arguments() []string {
	var args []string
	if t.root {
		// As nobody, which root becomes by default, it can't join them.
		args = append(args, "--runas", "0")
	}
	if t.user == "" {
		return append(args, "--netns-only", "--netns", t.net)
	}
	return append(args, "--userns", t.user, "--netns", t.net)
}

// ports returns an option once for each port of a protocol, or to forward none.
func ports(option, protocol string, all []nsnet.Mapping) []string {
	var args []string
	for _, m := range all {
		if m.Protocol == protocol {
			args = append(args, option, spec(m))
		}
	}
	if args == nil {
		return []string{option, "none"}
	}
	return args
}

// spec returns a port as pasta takes it: [ADDRESS/]HOST[:PORT].
func spec(m nsnet.Mapping) string {
	text := strconv.Itoa(m.HostPort)
	if m.Port != m.HostPort {
		text += ":" + strconv.Itoa(m.Port)
	}
	if m.HostIP.IsValid() {
		return m.HostIP.String() + "/" + text
	}
	return text
}
