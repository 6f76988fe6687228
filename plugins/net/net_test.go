// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/nsrun/nsrun/ns"
	"github.com/nsrun/nsrun/nsplugin/nsnet"
)

// request asks for a network namespace, as root.
func request(kinds ...ns.Kind) *ns.Request {
	return &ns.Request{Plugin: "net", Owns: []ns.Kind{ns.Net}, Kinds: append(kinds, ns.Net), Facts: ns.Facts{Dir: "/"}}
}

// fakeBinDir is a directory with files that could be CNI plugins.
func fakeBinDir(t *testing.T, names ...string) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range names {
		must(t, os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/false\n"), 0o755))
	}
	return dir
}

// shown is a diagnostic as the user sees it, with the directory left out.
func shown(dir string, ds []ns.Diagnostic) string {
	var b strings.Builder
	for _, d := range ds {
		fmt.Fprintf(&b, "%s | %s | %s | %s\n", d.Option, d.Summary, d.Detail, d.Hint)
	}
	return strings.ReplaceAll(b.String(), dir, "DIR")
}

// TestResolveReportsEverything gives many wrong options at once.
func TestResolveReportsEverything(t *testing.T) {
	dir := fakeBinDir(t, "bridge", "host-local", "mine")
	write(t, dir, "lab.conflist", strings.Replace(good, `"bridge"`, `"brigde"`, 1))
	n := &network{
		Network: "lab", ConfDir: dir, BinDir: []string{dir},
		PublishOption: nsnet.PublishOption{Publish: []string{"80:80", "80:81", "x"}}, AddressOptions: nsnet.AddressOptions{IP: []string{"nonsense"}}, MACOption: nsnet.MACOption{MAC: "01:00:5e:00:00:01"},
		NameOptions: nsnet.NameOptions{DNS: []string{"one.one.one.one"}, DNSSearch: []string{"a b"}},
	}
	_, err := n.resolve(request())
	const usage = "--publish [IP:]HOST:PORT[/PROTO], as in 8080:80, 127.0.0.1:8080:80 or 8000-8010:80-90/udp"
	const there = "--cni-bin-dir DIR, where it is, or one of bridge, host-local, mine"
	want := `publish | publish 80:81: host port 80/tcp is published already, as 80->80/tcp |  | ` + usage + `
publish | publish x: host port missing |  | ` + usage + `
ip | ip nonsense: no IP address |  | 
mac | mac 01:00:5e:00:00:01: no hardware address of one interface |  | six bytes, the first one even: --mac 02:00:5e:10:00:01
dns | dns one.one.one.one: no IP address |  | --dns ADDRESS, or --dns none alone
dns-search | dns-search "a b": no domain |  | 
network | read network lab: DIR/lab.conflist:7: plugins[0].type: no CNI plugin "brigde" in DIR |  | ` + there + `
network | read network lab: DIR/lab.conflist:14: plugins[1].type: no CNI plugin "portmap" in DIR |  | ` + there + `
publish | publish: network lab can't do that | none of its plugins has the capability "portMappings" | "capabilities": {"portMappings": true} for a plugin in the conflist that does it, or leave out --network
mac | mac: network lab can't do that | none of its plugins has the capability "mac" | "capabilities": {"mac": true} for a plugin in the conflist that does it, or leave out --network
`
	if got := shown(dir, ns.Diagnose(err)); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestResolveRefuses(t *testing.T) {
	dir := fakeBinDir(t, "bridge", "host-local", "portmap")
	must(t, os.WriteFile(filepath.Join(dir, "plain"), nil, 0o644))
	must(t, os.WriteFile(filepath.Join(dir, "open"), nil, 0o755))
	must(t, os.Chmod(filepath.Join(dir, "open"), 0o777))
	must(t, os.Mkdir(filepath.Join(dir, "folder"), 0o755))
	single := func(kind string) string {
		return write(t, dir, kind+".conf", fmt.Sprintf("{\n\"name\": \"lab\",\n\"type\": %q}", kind))
	}
	for _, tt := range []struct {
		name string
		n    network
		want string
	}{
		{"not executable", network{Network: single("plain")}, "plain.conf:3: type: DIR/plain is not executable"},
		{"writable by all", network{Network: single("open")}, "open.conf:3: type: DIR/open can be written by anybody"},
		{"directory", network{Network: single("folder")}, "folder.conf:3: type: DIR/folder is no file"},
		{"subnet and network", network{Network: single("bridge"), SubnetOption: nsnet.SubnetOption{Subnet: []string{"10.1.0.0/24"}}}, "either --network or --subnet"},
		{"nat and network", network{Network: single("bridge"), NAT: "iptables"}, "nat iptables: network DIR/bridge.conf has a backend of its own"},
		{"no such network", network{Network: "nowhere", ConfDir: dir}, `DIR: no network "nowhere" |  | one of those that are there: lab`},
		{"bad subnet", network{SubnetOption: nsnet.SubnetOption{Subnet: []string{"10.1.0.0"}}}, "subnet 10.1.0.0: no network in CIDR form"},
		{"address outside", network{AddressOptions: nsnet.AddressOptions{IP: []string{"10.2.0.7"}}}, "ip 10.2.0.7: no address for a sandbox in 10.177.0.0/16"},
		{"gateway's address", network{AddressOptions: nsnet.AddressOptions{IP: []string{"10.177.0.1"}}}, "ip 10.177.0.1: no address for a sandbox"},
		{"other family", network{PublishOption: nsnet.PublishOption{Publish: []string{"[2001:db8::1]:80:80"}}}, "publish [2001:db8::1]:80->80/tcp: the bridge has no address of that family"},
		{"IPv6 loopback", network{PublishOption: nsnet.PublishOption{Publish: []string{"[::1]:80:80"}}}, "publish [::1]:80->80/tcp: the kernel doesn't route packets from ::1 |  | --publish 127.0.0.1:80:80/tcp"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.n.BinDir = []string{dir}
			_, err := tt.n.resolve(request())
			if got := shown(dir, ns.Diagnose(err)); !strings.Contains(got, tt.want) {
				t.Errorf("got %q; want %q", got, tt.want)
			}
		})
	}
}

func TestNegotiateAsUser(t *testing.T) {
	req := request()
	req.Facts.UID = 1000
	_, err := (&network{}).Negotiate(context.Background(), req)
	const want = " | attach to a CNI network: operation not permitted | it makes interfaces and rules on the host, which needs root; this is user 1000 | --plugins net=pasta, which needs no root, or net=none, which has lo only\n"
	if got := shown("\x00", ns.Diagnose(err)); got != want {
		t.Errorf("got %q; want %q", got, want)
	}
}

func TestNegotiateOffers(t *testing.T) {
	h := newHost(t)
	n := &network{bundled: h.binDir, PublishOption: nsnet.PublishOption{Publish: []string{"8080:80"}}}
	offer, err := n.Negotiate(context.Background(), request())
	must(t, err)
	if len(offer.Steps) != 1 || offer.Steps[0].Op != ns.OpLinkUp || len(offer.Hooks) != 2 || len(offer.Pin) != 1 || len(offer.Wants) != 0 {
		t.Errorf("%+v", offer)
	}
	n = &network{bundled: h.binDir, NameOptions: nsnet.NameOptions{DNS: []string{"192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4"}}}
	offer, err = n.Negotiate(context.Background(), request())
	must(t, err)
	if len(offer.Wants) != 1 || offer.Wants[0] != ns.Mount {
		t.Errorf("--dns wants %v", offer.Wants)
	}
	if len(offer.Diagnostics) != 1 || offer.Diagnostics[0].Severity != ns.Warning {
		t.Errorf("four name servers: %+v", offer.Diagnostics)
	}
}

// TestNegotiateBusyHost has everything in the way that a host can have.
func TestNegotiateBusyHost(t *testing.T) {
	h := newHost(t)
	l, err := net.Listen("tcp4", "127.0.0.1:8080")
	must(t, err)
	defer l.Close()
	u, err := net.ListenPacket("udp4", ":5353")
	must(t, err)
	defer u.Close()
	h.Run("ip", "addr", "add", "10.177.3.4/8", "dev", "lo")
	holder := &network{PublishOption: nsnet.PublishOption{Publish: []string{"9090:90"}}}
	holder.Subnet = []string{"10.1.0.0/24"}
	s := h.newSandbox()
	s.mustPre(holder)
	defer s.MustPost(holder)

	n := &network{bundled: h.binDir, PublishOption: nsnet.PublishOption{Publish: []string{"8080:80", "5353:53/udp", "192.0.2.9:1:1", "127.0.0.1:9090:91", "8081:80"}}}
	_, err = n.Negotiate(context.Background(), request())
	self := fmt.Sprintf("%s (pid %d)", comm(t), os.Getpid())
	want := `publish | publish 8080->80/tcp: the port is in use by ` + self + ` |  | another host port: --publish 8081:80/tcp
publish | publish 5353->53/udp: the port is in use by ` + self + ` |  | another host port: --publish 5354:53/udp
publish | publish 192.0.2.9:1->1/tcp: no interface of this host has the address 192.0.2.9 |  | an address that ` + "`ip addr`" + ` shows, or none for all of them
publish | publish: host port 127.0.0.1:9090/tcp is published already, as 9090->90/tcp by run ` + s.ID + ` |  | another host port
 | attach to network nsrun: subnet 10.177.0.0/16 is in use: lo has 10.177.3.4/8 |  | --subnet with a network that this host doesn't know
`
	if got := shown("\x00", ns.Diagnose(err)); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// comm is this process's name as the kernel has it.
func comm(t *testing.T) string {
	text, err := os.ReadFile("/proc/self/comm")
	must(t, err)
	return strings.TrimSpace(string(text))
}

func TestNegotiateWrongBridge(t *testing.T) {
	h := newHost(t)
	n := &network{bundled: h.binDir}
	for _, tt := range []struct {
		set  [][]string
		want string
	}{
		{[][]string{{"ip", "link", "add", "nsrun0", "type", "veth", "peer", "name", "x"}}, "attach to network nsrun: nsrun0 exists and is no bridge (veth) |  | remove it: ip link delete nsrun0"},
		{[][]string{{"ip", "link", "del", "nsrun0"}, {"ip", "link", "add", "nsrun0", "type", "bridge"}, {"ip", "addr", "add", "10.177.9.9/16", "dev", "nsrun0"}}, "bridge nsrun0 has 10.177.9.9/16, and not 10.177.0.1"},
	} {
		for _, command := range tt.set {
			h.Run(command[0], command[1:]...)
		}
		_, err := n.Negotiate(context.Background(), request())
		if got := shown("\x00", ns.Diagnose(err)); !strings.Contains(got, tt.want) {
			t.Errorf("got %q; want %q", got, tt.want)
		}
	}
}
