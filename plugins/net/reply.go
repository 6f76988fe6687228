// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"

	current "github.com/containernetworking/cni/pkg/types/100"

	"github.com/nsrun/nsrun/ns"
	"github.com/nsrun/nsrun/nsplugin"
)

// The files in a sandbox that depend on its network.
const (
	resolvConfFile = "/etc/resolv.conf"
	hostsFile      = "/etc/hosts"
)

// reply makes PreExec's answer from what CNI answered.
func (w *wish) reply(req *ns.HookRequest, a *attachment, result *current.Result) (*ns.HookReply, error) {
	state, err := json.Marshal(a)
	if err != nil {
		return nil, fmt.Errorf("encode attachment: %w", err)
	}
	reply := &ns.HookReply{State: state, Results: w.results(a, result)}
	if req.Has(ns.Mount) {
		w.addFiles(reply, req, result)
	}
	return reply, nil
}

// results are what `nsctl inspect` shows of the network.
func (w *wish) results(a *attachment, result *current.Result) map[string]string {
	addresses, gateways := addressesOf(result)
	all := map[string]string{
		"network":   a.Network,
		"interface": a.Interface,
		"address":   strings.Join(addresses, " "),
		"gateway":   strings.Join(gateways, " "),
		"mac":       macOf(a.Interface, result),
		"ports":     portsText(w.ports),
	}
	for name, value := range all {
		if value == "" {
			delete(all, name)
		}
	}
	return all
}

// addressesOf returns the sandbox's addresses, without their masks, and its
// gateways.
func addressesOf(result *current.Result) (addresses, gateways []string) {
	for _, ip := range result.IPs {
		addresses = append(addresses, ip.Address.IP.String())
		if ip.Gateway != nil {
			gateways = append(gateways, ip.Gateway.String())
		}
	}
	return addresses, gateways
}

// macOf returns the hardware address of the sandbox's interface.
func macOf(name string, result *current.Result) string {
	for _, i := range result.Interfaces {
		if i.Name == name && i.Sandbox != "" {
			return i.Mac
		}
	}
	return ""
}

// portsText lists published ports.
func portsText(ports []mapping) string {
	texts := make([]string, len(ports))
	for i, m := range ports {
		texts[i] = m.String()
	}
	return strings.Join(texts, " ")
}

// addFiles adds the files that make names work in the sandbox.
func (w *wish) addFiles(reply *ns.HookReply, req *ns.HookRequest, result *current.Result) {
	if !w.noDNS {
		w.addResolvConf(reply, result)
	}
	if !w.noHosts {
		addHosts(reply, req, result)
	}
}

// addResolvConf adds the sandbox's name servers.
func (w *wish) addResolvConf(reply *ns.HookReply, result *current.Result) {
	dns := mergeDNS(w.dns, result.DNS, readHostDNS(hostResolvConfs))
	if len(dns.servers) == 0 {
		reply.Diagnostics = append(reply.Diagnostics, *nsplugin.Warnf("find a name server that the sandbox can reach: there is none").
			WithDetail("those of the host are on its loopback interface").WithHint("--dns ADDRESS").WithOption("dns"))
	}
	reply.Steps = append(reply.Steps, fileStep(resolvConfFile, dns.String()))
}

// addHosts adds the sandbox's host names.
func addHosts(reply *ns.HookReply, req *ns.HookRequest, result *current.Result) {
	own := hosts{name: req.RunName}
	own.addresses, own.gateways = addressesOf(result)
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
