// SPDX-License-Identifier: Apache-2.0

package nsnet

import (
	"errors"
	"net/netip"
	"os"
	"strings"

	"github.com/nsrun/nsrun/ns"
	"github.com/nsrun/nsrun/nsplugin"
)

// NameOptions are the options --dns, --dns-search, --add-host and --no-hosts.
type NameOptions struct {
	DNS       []string `option:"dns" args:"ADDRESS" help:"name server, instead of the host's; none leaves resolv.conf as it is"`
	DNSSearch []string `option:"dns-search" args:"DOMAIN" help:"domain in which short names are looked up"`
	AddHost   []string `option:"add-host" args:"NAME:ADDRESS" help:"line for /etc/hosts; the address host-gateway is the host's"`
	NoHosts   bool     `option:"no-hosts" help:"leave /etc/hosts as it is"`
}

// The files in a sandbox that depend on its network.
const (
	resolvConfFile = "/etc/resolv.conf"
	hostsFile      = "/etc/hosts"
)

// maxServers is how many name servers the C library asks; resolv.conf(5), MAXNS.
const maxServers = 3

// Names are the files of a sandbox that make names work on its network. They are
// steps, and need a mount namespace.
type Names struct {
	dns     Resolv
	noDNS   bool // leave resolv.conf alone
	extra   []extraHost
	noHosts bool // leave hosts alone
}

// Names reads the options. The error joins a diagnostic for each value that is
// wrong.
func (o NameOptions) Names() (*Names, error) {
	n := &Names{noHosts: o.NoHosts}
	var err error
	n.extra, err = parseHosts(o.AddHost)
	if o.NoHosts && len(o.AddHost) > 0 {
		err = errors.Join(err, nsplugin.Errorf("add-host %s: no-hosts leaves the file as it is", o.AddHost[0]).
			WithOption("add-host").WithHint("either --add-host or --no-hosts"))
	}
	return n, errors.Join(n.setDNS(o.DNS, o.DNSSearch), err)
}

// setDNS reads the name servers and domains.
func (n *Names) setDNS(servers, search []string) error {
	if len(servers) == 1 && servers[0] == "none" && len(search) == 0 {
		n.noDNS = true
		return nil
	}
	var errs []error
	for _, s := range servers {
		if _, err := netip.ParseAddr(s); err != nil {
			errs = append(errs, nsplugin.Errorf("dns %s: no IP address", s).WithOption("dns").
				WithHint("--dns ADDRESS, or --dns none alone"))
		}
	}
	for _, s := range search {
		if s == "" || strings.ContainsAny(s, " \t\r\n#;") {
			errs = append(errs, nsplugin.Errorf("dns-search %q: no domain", s).WithOption("dns-search"))
		}
	}
	n.dns = Resolv{Servers: servers, Search: search}
	return errors.Join(errs...)
}

// Offer adds to an offer what the files need: a mount namespace if the user asked
// for something that only a file can give, a claim for each file, since the files
// themselves are late steps, and what there is to say.
func (n *Names) Offer(req *ns.Request, offer *ns.Offer) {
	if n.asked() {
		offer.Wants = append(offer.Wants, ns.Mount)
	}
	if len(n.dns.Servers) > maxServers {
		offer.Diagnostics = append(offer.Diagnostics, *nsplugin.Warnf("dns: %d name servers, of which programs ask the first %d",
			len(n.dns.Servers), maxServers).WithOption("dns"))
	}
	files := n.files()
	switch {
	case req.Has(ns.Mount):
		for _, file := range files {
			offer.Claims = append(offer.Claims, "the path "+file)
		}
	case len(files) > 0 && !n.asked():
		offer.Diagnostics = append(offer.Diagnostics, *nsplugin.Noticef("%s of the host, and none for the sandbox: there is no mount namespace",
			strings.Join(files, " and ")).WithHint("add mount to --plugins, or --dns none --no-hosts"))
	}
}

// asked reports whether the user asked for something that only a file in the
// sandbox can give.
func (n *Names) asked() bool { return len(n.dns.Servers)+len(n.dns.Search)+len(n.extra) > 0 }

// files are the files of the sandbox that depend on its network.
func (n *Names) files() []string {
	var files []string
	if !n.noDNS {
		files = append(files, resolvConfFile)
	}
	if !n.noHosts {
		files = append(files, hostsFile)
	}
	return files
}

// Place is where a sandbox is on its network.
type Place struct {
	// Addresses are the sandbox's, Gateways those by which it reaches the host.
	Addresses, Gateways []netip.Addr
	// DNS is what the network says of name servers. Optional: it goes before what
	// the host has, and after what the user gave, each part on its own.
	DNS Resolv
	// NoResolver is why the sandbox isn't led to a name server on the host's loopback.
	// Optional: for the warning that it has none.
	NoResolver string
}

// LoopbackResolver returns the name server on the host's IPv4 loopback that the sandbox
// needs, since the host has no other and the user gave none. A backend that can lead the
// sandbox there says so as what the network says: [Place].
func (n *Names) LoopbackResolver(req *ns.HookRequest) (server netip.Addr, needed bool) {
	if n.noDNS || len(n.dns.Servers) > 0 || !req.Has(ns.Mount) {
		return server, false
	}
	return loopbackResolver(hostResolvConfs)
}

// Reply adds the files to the answer of PreExec, if the run has a mount namespace.
func (n *Names) Reply(req *ns.HookRequest, place Place, reply *ns.HookReply) {
	if !req.Has(ns.Mount) {
		return
	}
	if !n.noDNS {
		n.addResolvConf(place, reply)
	}
	if !n.noHosts {
		addHosts(reply, hosts{req.RunName, place.Addresses, place.Gateways, n.extra})
	}
}

// addResolvConf adds the sandbox's name servers.
func (n *Names) addResolvConf(place Place, reply *ns.HookReply) {
	dns := mergeDNS(n.dns, place.DNS, HostDNS())
	if len(dns.Servers) == 0 {
		reply.Diagnostics = append(reply.Diagnostics, *nsplugin.Warnf("find a name server that the sandbox can reach: there is none").
			WithDetail(noServer(hostResolvConfs, place.NoResolver)).WithHint("--dns ADDRESS").WithOption("dns"))
	}
	reply.Steps = append(reply.Steps, fileStep(resolvConfFile, dns.String()))
}

// addHosts adds the sandbox's host names.
func addHosts(reply *ns.HookReply, own hosts) {
	text, whole := own.file(hostsFile)
	if !whole {
		reply.Diagnostics = append(reply.Diagnostics, *nsplugin.Warnf("copy %s: too large, so that the sandbox gets a short one", hostsFile).
			WithHint("--no-hosts"))
	}
	reply.Steps = append(reply.Steps, fileStep(hostsFile, text))
}

// fileStep puts a file into the sandbox. It may be left out where neither the
// host nor the sandbox's root has such a file; a root of its own gets it.
func fileStep(path, content string) ns.Step {
	step := nsplugin.File(path, content, 0o644)
	if _, err := os.Stat(path); err != nil {
		return nsplugin.IfExists(step)
	}
	return step
}
