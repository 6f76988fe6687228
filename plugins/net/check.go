// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"context"
	"encoding/binary"
	"encoding/json"
	"net/netip"
	"strings"

	"github.com/containernetworking/cni/libcni"
	"github.com/containernetworking/cni/pkg/version"

	"github.com/nsrun/nsrun/ns"
	"github.com/nsrun/nsrun/nsplugin"
	"github.com/nsrun/nsrun/nsplugin/nsnet"
	"github.com/nsrun/nsrun/nsplugin/nsnet/firewall"
)

// Check says whether nsrun's own bridge can work on this host, and how it and the
// networks are that others have configured.
func (n *network) Check(ctx context.Context, facts ns.Facts) ([]ns.Diagnostic, error) {
	if err := nsnet.CheckPrivileged(facts, purpose); err != nil {
		return nil, err
	}
	w, err := n.resolve(&ns.Request{Facts: facts})
	if err == nil {
		err = w.free()
	}
	if err != nil {
		return append(nsnet.Findings(ns.Diagnose(err)), n.checkConfigured(ctx, facts)...), nil
	}
	found := append(w.checkNetwork(ctx), w.forwardWarning()...)
	return append(found, n.checkConfigured(ctx, facts)...), nil
}

// forwardWarning warns of a firewall that drops what sandboxes on nsrun's own bridge
// send; others' networks are theirs to judge.
func (w *wish) forwardWarning() []ns.Diagnostic {
	if w.own == nil {
		return nil
	}
	return firewall.ForwardWarning(w.own.device)
}

// defaultConfDir is the default of --cni-conf-dir: Check is called without options.
const defaultConfDir = "/etc/cni/net.d"

// checkConfigured tells of each network in the directory of configurations. The bridge
// of nsrun's own works without them, so that nothing of it is more than a warning.
func (n *network) checkConfigured(ctx context.Context, facts ns.Facts) (found nsnet.Findings) {
	told := map[string]bool{}
	for _, file := range (lookup{dir: cmp.Or(n.ConfDir, defaultConfDir)}).files() {
		name := networkName(file)
		if told[name] && name != "" {
			continue // byName takes the first
		}
		told[name] = true
		found = append(found, n.checkFile(ctx, facts, file, name)...)
	}
	return found.Soften()
}

// checkFile tells of the network in a file.
func (n *network) checkFile(ctx context.Context, facts ns.Facts, file, name string) (found nsnet.Findings) {
	if name == "" {
		name = "in " + file
	}
	w, err := (&network{Network: file, BinDir: n.BinDir, bundled: n.bundled}).resolve(&ns.Request{Facts: facts})
	if err == nil {
		err = w.free()
	}
	if err == nil {
		return w.checkNetwork(ctx)
	}
	for _, d := range ns.Diagnose(err) {
		d.Summary = "network " + name + ": " + d.Summary
		found = append(found, d)
	}
	return found
}

// checkNetwork tells of a network whose configuration is sound and whose plugins are
// there: what they say themselves, and its addresses.
func (w *wish) checkNetwork(ctx context.Context) (found nsnet.Findings) {
	name := "network " + w.conf.list.Name
	found.Tell(nil, name+": "+w.whence()+", CNI plugins "+strings.Join(w.pluginNames(), ", "))
	if device := w.bridgeDevice(); device != "" {
		found.Tell(nil, name+": nothing is in the way of bridge "+device)
	}
	if has, err := version.GreaterThanOrEqualTo(w.conf.list.CNIVersion, firstStatus); has && err == nil {
		found.Tell(w.checkStatus(ctx, name), name+": STATUS of its CNI plugins")
	}
	for _, p := range w.conf.list.Plugins {
		found = append(found, poolsOf(w.conf.list.Name, p)...)
	}
	return found
}

// whence says where the configuration is from.
func (w *wish) whence() string {
	if w.conf.file == "" {
		return "of nsrun's own"
	}
	return w.conf.file
}

func (w *wish) pluginNames() (names []string) {
	for _, p := range w.conf.list.Plugins {
		names = append(names, p.Network.Type)
		if p.Network.IPAM.Type != "" {
			names = append(names, p.Network.IPAM.Type)
		}
	}
	return names
}

// firstStatus is the first version of CNI that has STATUS.
const firstStatus = "1.1.0"

// checkStatus asks the network's plugins whether they are ready for an ADD.
func (w *wish) checkStatus(ctx context.Context, name string) error {
	a := &attachment{Network: w.conf.list.Name, Conf: w.conf.list.Bytes, BinDirs: w.dirs}
	cni, list, err := a.cni(nil)
	if err == nil {
		err = cni.GetStatusNetworkList(ctx, list)
	}
	if err == nil {
		return nil
	}
	return told(name, err.Error(), err).WithHint("see what the plugin waits for; runs are refused until then")
}

// poolsOf tells of the addresses that a plugin has host-local give out.
func poolsOf(network string, plugin *libcni.PluginConfig) (found nsnet.Findings) {
	dir, ok := leaseDir(network, plugin)
	if !ok {
		return nil
	}
	if _, err := dir.list(); err != nil {
		found.Tell(nsplugin.Errorf("network %s: read its leases: %w", network, err), "")
		return found
	}
	for _, r := range rangesOf(plugin) {
		if subnet, err := netip.ParsePrefix(r.Subnet); err == nil {
			p := nsnet.Pool{Network: network, Subnet: subnet.Masked(), Size: r.size(), Holders: dir.holders(subnet.Contains)}
			found = append(found, *p.Finding())
		}
	}
	return found
}

// addressRange is a part of host-local's configuration.
type addressRange struct {
	Subnet string     `json:"subnet"`
	Start  netip.Addr `json:"rangeStart"`
	End    netip.Addr `json:"rangeEnd"`
}

// rangesOf are the ranges in a configuration of host-local, in its two forms.
func rangesOf(plugin *libcni.PluginConfig) (all []addressRange) {
	var conf struct {
		IPAM struct {
			addressRange
			Ranges [][]addressRange `json:"ranges"`
		} `json:"ipam"`
	}
	if json.Unmarshal(plugin.Bytes, &conf) != nil {
		return nil
	}
	for _, set := range conf.IPAM.Ranges {
		all = append(all, set...)
	}
	return append(all, conf.IPAM.addressRange)
}

// size is how many addresses are between the ends, if both are given and IPv4's.
func (r addressRange) size() int {
	if !r.Start.Is4() || !r.End.Is4() || r.End.Less(r.Start) {
		return 0
	}
	from, to := r.Start.As4(), r.End.As4()
	return int(binary.BigEndian.Uint32(to[:])-binary.BigEndian.Uint32(from[:])) + 1
}
