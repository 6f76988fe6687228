// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"strings"

	"github.com/containernetworking/cni/pkg/types"
)

// hostResolvConfs are where the host's name servers are found. The second is the
// real list behind the local resolver of systemd-resolved(8).
var hostResolvConfs = []string{"/etc/resolv.conf", "/run/systemd/resolve/resolv.conf"}

// resolvConf is the content of a resolv.conf(5).
type resolvConf struct {
	servers []string
	search  []string
	options []string
}

// mergeDNS decides the sandbox's name servers: what the user gave comes first,
// then what the network says, then the host's, each part on its own.
func mergeDNS(user resolvConf, network types.DNS, host resolvConf) resolvConf {
	search := network.Search
	if len(search) == 0 && network.Domain != "" {
		search = []string{network.Domain}
	}
	return resolvConf{
		servers: firstOf(user.servers, network.Nameservers, host.servers),
		search:  firstOf(user.search, search, host.search),
		options: firstOf(network.Options, host.options),
	}
}

// firstOf returns the first list that isn't empty.
func firstOf(lists ...[]string) []string {
	for _, l := range lists {
		if len(l) > 0 {
			return l
		}
	}
	return nil
}

// String returns the text of the file, which is never empty.
func (r resolvConf) String() string {
	var b strings.Builder
	if len(r.servers) == 0 {
		fmt.Fprintln(&b, "# no name server is known that a sandbox can reach")
	}
	if len(r.search) > 0 {
		fmt.Fprintln(&b, "search", strings.Join(r.search, " "))
	}
	for _, s := range r.servers {
		fmt.Fprintln(&b, "nameserver", s)
	}
	if len(r.options) > 0 {
		fmt.Fprintln(&b, "options", strings.Join(r.options, " "))
	}
	return b.String()
}

// readHostDNS reads the first of files that names a server which a sandbox can
// reach. One on the host's loopback is out of reach from another network
// namespace, and so is one bound to an interface by its zone.
func readHostDNS(files []string) resolvConf {
	var best resolvConf
	for i, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			continue
		}
		r := parseResolvConf(text)
		r.servers = slices.DeleteFunc(r.servers, unreachable)
		if len(r.servers) > 0 {
			return r
		}
		if i == 0 {
			best = r
		}
	}
	return best
}

// unreachable reports whether a sandbox can't reach the name server.
func unreachable(server string) bool {
	a, err := netip.ParseAddr(server)
	return err != nil || a.IsLoopback() || a.IsUnspecified() || a.Zone() != ""
}

// parseResolvConf reads a resolv.conf(5), where the last search or domain counts.
func parseResolvConf(text []byte) resolvConf {
	var r resolvConf
	for line := range bytes.Lines(text) {
		words := strings.Fields(string(line))
		if len(words) < 2 {
			continue
		}
		switch words[0] {
		case "nameserver":
			r.servers = append(r.servers, words[1])
		case "search", "domain":
			r.search = words[1:]
		case "options":
			r.options = append(r.options, words[1:]...)
		}
	}
	return r
}
