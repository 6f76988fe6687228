// SPDX-License-Identifier: Apache-2.0

package nsnet

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"strings"

	"github.com/nsrun/nsrun/ns"
	"github.com/nsrun/nsrun/nsplugin"
)

// HostGateway is the name by which a sandbox finds the host.
const HostGateway = "host.nsrun.internal"

// gatewayWord stands for the gateway's address in --add-host.
const gatewayWord = "host-gateway"

// hostNameStart is what a name in hosts(5) can begin with, and hostNameRest what else it can
// hold. A regular expression that counts up to 253 would take longer to compile, at each
// start of a plugin, than the plugin takes to make its offer.
const (
	hostNameStart = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
	hostNameRest  = hostNameStart + "._-"
	hostNameSize  = 253
)

func isHostName(s string) bool {
	return s != "" && len(s) <= hostNameSize && strings.Contains(hostNameStart, s[:1]) && strings.Trim(s, hostNameRest) == ""
}

// extraHost is a line of the user's for hosts(5). The zero Addr is the gateway's.
type extraHost struct {
	name string
	addr netip.Addr
}

// parseHosts reads the values of --add-host.
func parseHosts(texts []string) ([]extraHost, error) {
	var all []extraHost
	var errs []error
	for _, text := range texts {
		h, err := parseHost(text)
		if err != nil {
			errs = append(errs, nsplugin.Errorf("add-host %s: %w", text, err).WithOption("add-host").
				WithHint("--add-host NAME:ADDRESS, or NAME:"+gatewayWord+" for the host"))
		}
		all = append(all, h)
	}
	return all, errors.Join(errs...)
}

// parseHost reads NAME:ADDRESS. An IPv6 address may stand in brackets.
func parseHost(text string) (extraHost, error) {
	name, addr, found := strings.Cut(text, ":")
	switch {
	case !found:
		return extraHost{}, errors.New("address missing")
	case !isHostName(name):
		return extraHost{}, fmt.Errorf("%q is no host name", name)
	case addr == gatewayWord:
		return extraHost{name: name}, nil
	}
	a, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(addr, "["), "]"))
	if err != nil {
		return extraHost{}, fmt.Errorf("%q is no IP address", addr)
	}
	return extraHost{name, a}, nil
}

// hosts is what a sandbox's hosts(5) says beside what the host's says.
type hosts struct {
	name      string // of the sandbox
	addresses []netip.Addr
	gateways  []netip.Addr // the host as the sandbox sees it
	extra     []extraHost
}

// file returns the whole file, which begins with the host's own, base. It reports
// false if base is larger than a step can carry, and is left out.
func (h hosts) file(base string) (text string, whole bool) {
	const short = "127.0.0.1\tlocalhost\n::1\tlocalhost\n"
	raw, err := os.ReadFile(base)
	if err != nil {
		return short + h.lines(), true
	}
	begin := strings.ToValidUTF8(string(raw), "?")
	if begin != "" && !strings.HasSuffix(begin, "\n") {
		begin += "\n"
	}
	if text = begin + h.lines(); len(text) > ns.MaxString {
		return short + h.lines(), false
	}
	return text, true
}

// lines are the sandbox's own lines.
func (h hosts) lines() string {
	var b strings.Builder
	for _, e := range h.extra {
		h.extraLines(&b, e)
	}
	if isHostName(h.name) {
		writeHosts(&b, h.addresses, h.name)
	}
	writeHosts(&b, h.gateways, HostGateway)
	return b.String()
}

func (h hosts) extraLines(b *strings.Builder, e extraHost) {
	if e.addr.IsValid() {
		writeHosts(b, []netip.Addr{e.addr}, e.name)
		return
	}
	writeHosts(b, h.gateways, e.name)
}

func writeHosts(b *strings.Builder, addrs []netip.Addr, name string) {
	for _, a := range addrs {
		fmt.Fprintf(b, "%s\t%s\n", a, name)
	}
}
