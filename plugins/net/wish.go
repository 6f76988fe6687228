// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"

	current "github.com/containernetworking/cni/pkg/types/100"
	"golang.org/x/sys/unix"

	"github.com/nsrun/nsrun/ns"
	"github.com/nsrun/nsrun/nsplugin"
)

// wish is what the options come to: which network, and what of it.
type wish struct {
	conf     *conflist
	own      *bridge // the network of nsrun's own, or nil
	dirs     binDirs
	ports    []mapping
	ips      []string
	mac      string
	dns      resolvConf
	noDNS    bool // leave resolv.conf alone
	noHosts  bool // leave hosts alone
	warnings []ns.Diagnostic
}

// resolve reads the options and the network's configuration. It returns all that
// is wrong with them, joined.
func (n *network) resolve(req *ns.Request) (*wish, error) {
	w := &wish{dirs: findBinDirs(n.bundled, n.BinDir), noHosts: n.NoHosts}
	errs := []error{
		w.setNetwork(n, req.Facts.Dir),
		w.setPorts(n.Publish),
		w.setAddresses(n.IP, n.MAC),
		w.setDNS(n.DNS, n.DNSSearch),
	}
	if w.conf != nil {
		errs = append(errs, w.checkPlugins(), w.checkCapabilities())
	}
	if w.own != nil {
		errs = append(errs, w.checkFamilies())
	}
	return w, errors.Join(errs...)
}

// setNetwork finds the network's configuration, or makes one.
func (w *wish) setNetwork(n *network, dir string) error {
	if n.Network == "" {
		return w.setOwn(n)
	}
	if len(n.Subnet) > 0 {
		return nsplugin.Errorf("subnet %s: network %s has addresses of its own", n.Subnet[0], n.Network).
			WithOption("subnet").WithHint("either --network or --subnet")
	}
	if n.NAT != "auto" && n.NAT != "" {
		return nsplugin.Errorf("nat %s: network %s has a backend of its own", n.NAT, n.Network).
			WithOption("nat").WithHint("ipMasqBackend and backend in the conflist")
	}
	conf, faults := lookup{network: n.Network, dir: n.ConfDir, cwd: dir}.find()
	w.conf = conf
	var errs []error
	for _, f := range faults {
		errs = append(errs, nsplugin.Errorf("read network %s: %w", n.Network, f).WithOption("network").WithHint(f.hint))
	}
	return errors.Join(errs...)
}

// setOwn makes the configuration of nsrun's own bridge.
func (w *wish) setOwn(n *network) error {
	b, err := chooseBackend(n.NAT)
	if err != nil {
		return nsplugin.Errorf("choose a backend for masquerading and published ports: %w", err).WithOption("nat").
			WithHint("install nftables or iptables, or --network with a conflist that needs none")
	}
	subnets, err := parseSubnets(n.Subnet)
	if err != nil {
		return nsplugin.Errorf("%w", err).WithOption("subnet").WithHint("--subnet " + defaultSubnet)
	}
	w.own = newBridge(subnets, b)
	w.conf, err = w.own.conflist()
	return err
}

// setPorts reads the ports to publish.
func (w *wish) setPorts(texts []string) error {
	ports, faults := publishAll(texts)
	w.ports = ports
	var errs []error
	for _, err := range faults {
		errs = append(errs, nsplugin.Errorf("%w", err).WithOption("publish").
			WithHint("--publish [IP:]HOST:PORT[/PROTO], as in 8080:80, 127.0.0.1:8080:80 or 8000-8010:80-90/udp"))
	}
	for _, m := range ports {
		if a := m.addr(); a.Is6() && a.IsLoopback() {
			// IPv4 has route_localnet for that; ip-sysctl(5).
			errs = append(errs, nsplugin.Errorf("publish %s: the kernel doesn't route packets from ::1", m).WithOption("publish").
				WithHint(fmt.Sprintf("--publish 127.0.0.1:%d:%d/%s", m.HostPort, m.ContainerPort, m.Protocol)))
		}
	}
	return errors.Join(errs...)
}

// setAddresses reads the addresses that the sandbox is to have.
func (w *wish) setAddresses(ips []string, mac string) error {
	var errs []error
	for _, text := range ips {
		addr, _, _ := strings.Cut(text, "/")
		_, err := netip.ParseAddr(addr)
		if err == nil && addr != text {
			_, err = netip.ParsePrefix(text)
		}
		if err != nil {
			errs = append(errs, nsplugin.Errorf("ip %s: no IP address", text).WithOption("ip"))
		}
		w.ips = append(w.ips, text)
	}
	if hw, err := net.ParseMAC(mac); mac != "" && (err != nil || len(hw) != 6 || hw[0]&1 == 1) {
		errs = append(errs, nsplugin.Errorf("mac %s: no hardware address of one interface", mac).
			WithOption("mac").WithHint("six bytes, the first one even: --mac 02:00:5e:10:00:01"))
	}
	w.mac = mac
	return errors.Join(errs...)
}

// maxServers is how many name servers the C library asks; resolv.conf(5), MAXNS.
const maxServers = 3

// setDNS reads the name servers and domains.
func (w *wish) setDNS(servers, search []string) error {
	if len(servers) == 1 && servers[0] == "none" && len(search) == 0 {
		w.noDNS = true
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
	if len(servers) > maxServers {
		w.warnings = append(w.warnings, *nsplugin.Warnf("dns: %d name servers, of which programs ask the first %d", len(servers), maxServers).WithOption("dns"))
	}
	w.dns = resolvConf{servers: servers, search: search}
	return errors.Join(errs...)
}

// needsFiles reports whether the user asked for something that only a file in
// the sandbox can give, for which it needs a mount namespace.
func (w *wish) needsFiles() bool { return len(w.dns.servers)+len(w.dns.search) > 0 }

// files are the files of the sandbox that depend on its network.
func (w *wish) files() []string {
	var files []string
	if !w.noDNS {
		files = append(files, resolvConfFile)
	}
	if !w.noHosts {
		files = append(files, hostsFile)
	}
	return files
}

// checkPlugins returns an error for each CNI plugin that can't be run.
func (w *wish) checkPlugins() error {
	var errs []error
	lines := findKeys(w.conf.text)
	for i, p := range w.conf.list.Plugins {
		for key, name := range map[string]string{"type": p.Network.Type, "ipam.type": p.Network.IPAM.Type} {
			if name == "" {
				continue
			}
			if _, err := w.dirs.find(name); err != nil {
				errs = append(errs, w.pluginError(lines, fmt.Sprintf("plugins[%d].%s", i, key), err))
			}
		}
	}
	return errors.Join(errs...)
}

// pluginError says where a CNI plugin is named that can't be run, and which can.
func (w *wish) pluginError(lines keyLines, key string, err error) error {
	hint := "--cni-bin-dir DIR, where it is"
	if names := w.dirs.has(); len(names) > 0 {
		hint += ", or one of " + strings.Join(names, ", ")
	}
	if w.own != nil {
		return nsplugin.Errorf("make the default network: %w", err).WithHint(hint)
	}
	c := checker{file: w.conf.file, lines: lines, single: lines["plugins"] == 0}
	c.add(key, err)
	return nsplugin.Errorf("read network %s: %w", w.conf.list.Name, c.faults[0]).WithOption("network").WithHint(hint)
}

// capability is something that a network can do if one of its plugins says so.
type capability struct {
	name   string // as CNI has it
	option string // that asks for it
	asked  bool
	value  any
}

// capabilities lists what the options ask of the network.
func (w *wish) capabilities() []capability {
	return []capability{
		{"portMappings", "publish", len(w.ports) > 0, w.ports},
		{"ips", "ip", len(w.ips) > 0, w.ips},
		{"mac", "mac", w.mac != "", w.mac},
	}
}

// checkCapabilities returns an error for each option that the network can't do:
// CNI would ignore it.
func (w *wish) checkCapabilities() error {
	var errs []error
	for _, c := range w.capabilities() {
		if c.asked && !w.can(c.name) {
			errs = append(errs, nsplugin.Errorf("%s: network %s can't do that", c.option, w.conf.list.Name).WithOption(c.option).
				WithDetail(fmt.Sprintf("none of its plugins has the capability %q", c.name)).
				WithHint(fmt.Sprintf(`"capabilities": {%q: true} for a plugin in the conflist that does it, or leave out --network`, c.name)))
		}
	}
	return errors.Join(errs...)
}

// can reports whether a plugin of the network has a capability.
func (w *wish) can(name string) bool {
	for _, p := range w.conf.list.Plugins {
		if p.Network.Capabilities[name] {
			return true
		}
	}
	return false
}

// checkFamilies returns an error for each address that nsrun's own bridge can't
// have or publish on, since none of its subnets holds it.
func (w *wish) checkFamilies() error {
	var errs []error
	for _, text := range w.ips {
		addr, _, _ := strings.Cut(text, "/")
		if a, err := netip.ParseAddr(addr); err == nil && !w.own.holds(a) {
			errs = append(errs, nsplugin.Errorf("ip %s: no address for a sandbox in %s", text, w.own).WithOption("ip").
				WithHint("--subnet with the network that holds it"))
		}
	}
	for _, m := range w.ports {
		if a := m.addr(); a.IsValid() && !w.own.speaks(a.Is4()) {
			errs = append(errs, nsplugin.Errorf("publish %s: the bridge has no address of that family", m).WithOption("publish").
				WithHint("--subnet "+defaultSubnet+" --subnet fd00:6e73::/64 for a bridge with both"))
		}
	}
	return errors.Join(errs...)
}

// free returns an error for each thing on the host that is in the way.
func (w *wish) free() error {
	var errs []error
	for _, m := range w.ports {
		if problem, hint := portProblem(m); problem != "" {
			errs = append(errs, nsplugin.Errorf("publish %s: %s", m, problem).WithOption("publish").WithHint(hint))
		}
	}
	if err := ports().free(w.ports, ""); err != nil {
		errs = append(errs, nsplugin.Errorf("publish: %w", err).WithOption("publish").WithHint("another host port"))
	}
	if problem, hint := w.bridgeProblem(); problem != "" {
		errs = append(errs, nsplugin.Errorf("attach to network %s: %s", w.conf.list.Name, problem).WithHint(hint))
	}
	return errors.Join(errs...)
}

// bridgeProblem says what is wrong with the network's bridge, if it has one.
func (w *wish) bridgeProblem() (problem, hint string) {
	if w.own != nil {
		return w.own.problem()
	}
	for _, p := range w.conf.list.Plugins {
		var conf struct {
			Bridge string `json:"bridge"`
		}
		if p.Network.Type == "bridge" && json.Unmarshal(p.Bytes, &conf) == nil && conf.Bridge != "" {
			return bridgeProblem(conf.Bridge)
		}
	}
	return "", ""
}

// reserve keeps the host ports from other runs.
func (w *wish) reserve(req *ns.HookRequest) error {
	err := ports().take(reservation{RunID: req.RunID, RunName: req.RunName, Ports: w.ports})
	if err != nil {
		return nsplugin.Errorf("publish: %w", err).WithOption("publish").WithHint("another host port")
	}
	return nil
}

// repairLeases frees addresses that belong to nobody. If that fails, attaching
// will say so.
func (w *wish) repairLeases() {
	for _, p := range w.conf.list.Plugins {
		if dir, ok := leaseDir(w.conf.list.Name, p); ok {
			_ = dir.repair()
		}
	}
}

// attachment returns what is to be done for a run.
func (w *wish) attachment(req *ns.HookRequest) (*attachment, error) {
	a := &attachment{
		RunID:        req.RunID,
		Network:      w.conf.list.Name,
		Conf:         w.conf.list.Bytes,
		NetNS:        req.Paths[ns.Net],
		Interface:    interfaceName,
		Capabilities: map[string]json.RawMessage{},
		BinDirs:      w.dirs,
		Dir:          attachmentDir(req),
	}
	for _, c := range w.capabilities() {
		if !c.asked {
			continue
		}
		value, err := json.Marshal(c.value)
		if err != nil {
			return nil, fmt.Errorf("encode capability %s: %w", c.name, err)
		}
		a.Capabilities[c.name] = value
	}
	return a, nil
}

// reachable returns an error if a port is published on an address of a family
// that the sandbox has no address of: portmap would leave it out.
func (w *wish) reachable(result *current.Result) error {
	for _, m := range w.ports {
		a, found := m.addr(), false
		for _, ip := range result.IPs {
			found = found || !a.IsValid() || a.Is4() == (ip.Address.IP.To4() != nil)
		}
		if !found {
			return fmt.Errorf("publish %s: the sandbox got no address of that family: %w", m, unix.EAFNOSUPPORT)
		}
	}
	return nil
}
