// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	current "github.com/containernetworking/cni/pkg/types/100"
	"golang.org/x/sys/unix"

	"github.com/nsrun/nsrun/ns"
	"github.com/nsrun/nsrun/nsplugin"
	"github.com/nsrun/nsrun/nsplugin/nsnet"
)

// wish is what the options come to: which network, and what of it.
type wish struct {
	conf   *conflist
	own    *ownBridge // the network of nsrun's own, or nil
	dirs   binDirs
	ports  []nsnet.Mapping
	ips    []nsnet.Address
	mac    string
	limits nsnet.Bandwidth
	names  *nsnet.Names
	req    *ns.HookRequest // the run that is attached; nil before
}

// resolve reads the options and the network's configuration. It returns all that
// is wrong with them, joined.
func (n *network) resolve(req *ns.Request) (*wish, error) {
	w := &wish{dirs: findBinDirs(n.bundled, n.BinDir)}
	errs := []error{w.setOptions(n)}
	errs = append(errs, w.setNetwork(n, req.Facts.Dir))
	if w.conf != nil {
		errs = append(errs, w.checkPlugins(), w.checkCapabilities())
	}
	if w.own != nil {
		errs = append(errs, w.own.subnets.CheckWishes(w.ips, w.ports))
	}
	return w, errors.Join(errs...)
}

// setOptions reads the options that other backends have too.
func (w *wish) setOptions(n *network) error {
	errs := make([]error, 5)
	w.ports, errs[0] = n.Ports()
	w.ips, errs[1] = n.Addresses()
	_, errs[2] = n.HardwareAddr()
	w.mac = n.MAC
	w.limits, errs[3] = n.Limits()
	w.names, errs[4] = n.Names()
	return errors.Join(append(errs, nsnet.CheckRouted(w.ports))...)
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
	if err := w.setMTU(n); err != nil {
		return err
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
	subnets, err := n.Subnets(standardSubnet)
	if err != nil {
		return err
	}
	w.own = newBridge(subnets, b)
	w.own.shaped = w.limits != nsnet.Bandwidth{}
	if err := w.setMTU(n); err != nil {
		return err
	}
	w.conf, err = w.own.conflist()
	return err
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
		{"ips", "ip", len(w.ips) > 0, addressTexts(w.ips)},
		{"mac", "mac", w.mac != "", w.mac},
		{"bandwidth", "bandwidth", w.limits != nsnet.Bandwidth{}, shapeOf(w.limits)},
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

// free returns an error for each thing on the host that is in the way.
func (w *wish) free() error {
	errs := []error{nsnet.CheckFree(w.ports)}
	if problem, hint := w.bridgeProblem(); problem != "" {
		errs = append(errs, nsplugin.Errorf("attach to network %s: %s", w.conf.list.Name, problem).WithHint(hint))
	}
	return errors.Join(errs...)
}

// bridgeProblem says what is wrong with the network's bridge, if it has one.
func (w *wish) bridgeProblem() (problem, hint string) {
	if w.own != nil {
		return w.own.subnets.BridgeProblem(w.own.device)
	}
	return nsnet.LinkProblem(w.bridgeDevice())
}

// bridgeDevice is the name of the network's bridge, or "".
func (w *wish) bridgeDevice() string {
	if w.own != nil {
		return w.own.device
	}
	for _, p := range w.conf.list.Plugins {
		var conf struct {
			Bridge string `json:"bridge"`
		}
		if p.Network.Type == "bridge" && json.Unmarshal(p.Bytes, &conf) == nil && conf.Bridge != "" {
			return conf.Bridge
		}
	}
	return ""
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
	w.req = req
	a := &attachment{
		RunID:        req.RunID,
		Network:      w.conf.list.Name,
		Conf:         w.conf.list.Bytes,
		NetNS:        req.Paths[ns.Net],
		Interface:    nsnet.Interface,
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
		a, found := m.HostIP, false
		for _, ip := range result.IPs {
			found = found || !a.IsValid() || a.Is4() == (ip.Address.IP.To4() != nil)
		}
		if !found {
			return fmt.Errorf("publish %s: the sandbox got no address of that family: %w", m, unix.EAFNOSUPPORT)
		}
	}
	return nil
}
