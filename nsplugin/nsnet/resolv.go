// SPDX-License-Identifier: Apache-2.0

package nsnet

import (
	"bytes"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"strings"
)

// hostResolvConfs are where the host's name servers are found. The second is the
// real list behind the local resolver of systemd-resolved(8).
var hostResolvConfs = []string{"/etc/resolv.conf", "/run/systemd/resolve/resolv.conf"}

// Resolv is the content of a resolv.conf(5).
type Resolv struct {
	Servers []string
	Search  []string
	Options []string
}

// mergeDNS decides the sandbox's name servers: what the user gave comes first,
// then what the network says, then the host's, each part on its own.
func mergeDNS(user, network, host Resolv) Resolv {
	return Resolv{
		Servers: firstOf(user.Servers, network.Servers, host.Servers),
		Search:  firstOf(user.Search, network.Search, host.Search),
		Options: firstOf(user.Options, network.Options, host.Options),
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
func (r Resolv) String() string {
	var b strings.Builder
	if len(r.Servers) == 0 {
		fmt.Fprintln(&b, "# no name server is known that a sandbox can reach")
	}
	if len(r.Search) > 0 {
		fmt.Fprintln(&b, "search", strings.Join(r.Search, " "))
	}
	for _, s := range r.Servers {
		fmt.Fprintln(&b, "nameserver", s)
	}
	if len(r.Options) > 0 {
		fmt.Fprintln(&b, "options", strings.Join(r.Options, " "))
	}
	return b.String()
}

// HostDNS returns the name servers of this host that a sandbox can reach, with the
// host's search list and options.
func HostDNS() Resolv { return readHostDNS(hostResolvConfs) }

// readHostDNS reads the first of files that names a server which a sandbox can
// reach. One on the host's loopback is out of reach from another network
// namespace, and so is one bound to an interface by its zone.
func readHostDNS(files []string) Resolv {
	var best Resolv
	for i, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			continue
		}
		r := parseResolvConf(text)
		r.Servers = slices.DeleteFunc(r.Servers, unreachable)
		if len(r.Servers) > 0 {
			return r
		}
		if i == 0 {
			best = r
		}
	}
	return best
}

// loopbackResolver returns the host's name server on its IPv4 loopback, if the host has
// none that a sandbox could reach.
func loopbackResolver(files []string) (server netip.Addr, found bool) {
	if len(readHostDNS(files).Servers) > 0 {
		return server, false
	}
	text, err := os.ReadFile(files[0])
	if err != nil {
		return server, false
	}
	for _, s := range parseResolvConf(text).Servers {
		if a, err := netip.ParseAddr(s); err == nil && a.Is4() && a.IsLoopback() {
			return a, true
		}
	}
	return server, false
}

// DNSPort is where name servers listen; RFC 1035, section 4.2.
const DNSPort = 53

// ResolverPorts are the ports of the host by which a sandbox asks a name server on the
// host's loopback, as [AllowHostOption] has them: by UDP, and by TCP what is too long for
// that.
func ResolverPorts(server netip.Addr) []Mapping {
	udp := Mapping{HostIP: server, HostPort: DNSPort, Port: DNSPort, Protocol: "udp"}
	tcp := udp
	tcp.Protocol = "tcp"
	return []Mapping{udp, tcp}
}

// OnlyByIPv4 is why a sandbox without IPv4 isn't led to the host's loopback: IPv6 has no
// route_localnet; ip-sysctl(5).
const OnlyByIPv4 = "the network has no IPv4, by which alone the host's loopback is reached"

// noServer says why a sandbox gets none of the host's name servers; notLed is what the
// backend says, or "".
func noServer(files []string, notLed string) string {
	const onLoopback = "those of the host are on its loopback interface"
	_, found := loopbackResolver(files)
	switch {
	case notLed != "":
		return onLoopback + ", and " + notLed
	case !found && hasServer(files[0], netip.IPv6Loopback()):
		return onLoopback + ", by ::1 alone, to which the kernel leads no other network namespace"
	}
	return onLoopback
}

// hasServer reports whether a resolv.conf(5) has the name server.
func hasServer(file string, server netip.Addr) bool {
	text, _ := os.ReadFile(file)
	return slices.Contains(parseResolvConf(text).Servers, server.String())
}

// unreachable reports whether a sandbox can't reach the name server.
func unreachable(server string) bool {
	a, err := netip.ParseAddr(server)
	return err != nil || a.IsLoopback() || a.IsUnspecified() || a.Zone() != ""
}

// parseResolvConf reads a resolv.conf(5), where the last search or domain counts.
func parseResolvConf(text []byte) Resolv {
	var r Resolv
	for line := range bytes.Lines(text) {
		words := strings.Fields(string(line))
		if len(words) < 2 {
			continue
		}
		switch words[0] {
		case "nameserver":
			r.Servers = append(r.Servers, words[1])
		case "search", "domain":
			r.Search = words[1:]
		case "options":
			r.Options = append(r.Options, words[1:]...)
		}
	}
	return r
}
