// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/nsrun/nsrun/ns"
	"github.com/nsrun/nsrun/nsplugin/nsnet"
)

const (
	labBridge = `{"type": "bridge", "bridge": "lab0", "isGateway": true, "capabilities": {"mac": true}, "ipam": {"type": "host-local", "subnet": "10.9.0.0/24", "routes": [{"dst": "0.0.0.0/0"}]}}`
	labLocal  = `"ipam": {"type": "host-local", "subnet": "10.9.0.0/24"}`
)

// foreign are configurations as others write them, for the reference plugins.
var foreign = []struct {
	name    string
	text    string // the file
	ext     string // its suffix
	options network
	ask     []string // a command in the sandbox, or on the host after "host"
	want    string   // what it says, as a regular expression
}{
	{"bridge, one plugin alone, 0.3.1", `{"cniVersion": "0.3.1", "name": "lab", "type": "bridge", "bridge": "lab0", ` + labLocal + `}`, "conf",
		network{}, []string{"ip", "-o", "addr", "show", "eth0"}, `inet 10\.9\.0\.\d+/24`},
	{"bridge in a list, 0.4.0", `{"cniVersion": "0.4.0", "name": "lab", "plugins": [` + labBridge + `]}`, "conflist",
		network{}, []string{"ip", "route"}, `default via 10\.9\.0\.1`},
	{"ptp, 0.4.0", `{"cniVersion": "0.4.0", "name": "lab", "plugins": [{"type": "ptp", "ipMasq": true, ` + labLocal + `}]}`, "conflist",
		network{}, []string{"ip", "-o", "addr", "show", "eth0"}, `inet 10\.9\.0\.\d+/24`},
	{"ptp, one plugin alone, 1.0.0", `{"cniVersion": "1.0.0", "name": "lab", "type": "ptp", ` + labLocal + `}`, "conf",
		network{}, []string{"ip", "route"}, `10\.9\.0\.1 dev eth0`},
	{"macvlan, 1.0.0", `{"cniVersion": "1.0.0", "name": "lab", "plugins": [{"type": "macvlan", "master": "outside", ` + labLocal + `}]}`, "conflist",
		network{}, []string{"ip", "-d", "link", "show", "eth0"}, `macvlan mode bridge`},
	{"ptp, one plugin alone, 1.1.0", `{"cniVersion": "1.1.0", "name": "lab", "type": "ptp", ` + labLocal + `}`, "conf",
		network{}, []string{"ip", "route"}, `10\.9\.0\.1 dev eth0`},
	{"macvlan with static, one plugin alone, 0.4.0", `{"cniVersion": "0.4.0", "name": "lab", "type": "macvlan", "master": "outside", "ipam": {"type": "static", "addresses": [{"address": "10.9.0.7/24"}]}}`, "conf",
		network{}, []string{"ip", "-o", "addr", "show", "eth0"}, `inet 10\.9\.0\.7/24`},
	{"host-device, one plugin alone, 0.3.1", `{"cniVersion": "0.3.1", "name": "lab", "type": "host-device", "device": "outside", "ipam": {"type": "static", "addresses": [{"version": "4", "address": "10.9.0.7/24"}]}}`, "conf",
		network{}, []string{"ip", "-o", "addr", "show", "eth0"}, `inet 10\.9\.0\.7/24`},
	{"host-device, 1.1.0", `{"cniVersion": "1.1.0", "name": "lab", "plugins": [{"type": "host-device", "device": "outside", "ipam": {"type": "static", "addresses": [{"address": "10.9.0.7/24"}]}}]}`, "conflist",
		network{}, []string{"ip", "-o", "addr", "show", "eth0"}, `inet 10\.9\.0\.7/24`},
	{"static with --ip, 1.0.0", `{"cniVersion": "1.0.0", "name": "lab", "plugins": [{"type": "bridge", "bridge": "lab0", "capabilities": {"ips": true}, "ipam": {"type": "static"}}]}`, "conflist",
		network{AddressOptions: nsnet.AddressOptions{IP: []string{"10.9.0.99/24"}, IP6: []string{"fd00::99/64"}}}, []string{"ip", "-o", "addr", "show", "eth0"}, `(?s)inet 10\.9\.0\.99/24.*inet6 fd00::99/64`},
	{"tuning behind bridge, 1.0.0", `{"cniVersion": "1.0.0", "name": "lab", "plugins": [` + labBridge + `, {"type": "tuning", "mtu": 1400, "sysctl": {"net.ipv4.conf.IFNAME.arp_filter": "1"}}]}`, "conflist",
		network{}, []string{"sh", "-c", "cat /proc/sys/net/ipv4/conf/eth0/arp_filter; ip link show eth0"}, `(?s)^1\n.* mtu 1400 `},
	{"tuning with --mac, 0.4.0", `{"cniVersion": "0.4.0", "name": "lab", "plugins": [{"type": "ptp", ` + labLocal + `}, {"type": "tuning", "capabilities": {"mac": true}}]}`, "conflist",
		network{MACOption: nsnet.MACOption{MAC: "02:00:5e:10:00:07"}}, []string{"ip", "link", "show", "eth0"}, `link/ether 02:00:5e:10:00:07`},
	{"bandwidth with --bandwidth, 1.0.0", `{"cniVersion": "1.0.0", "name": "lab", "plugins": [` + labBridge + `, {"type": "bandwidth", "capabilities": {"bandwidth": true}}]}`, "conflist",
		network{BandwidthOption: nsnet.BandwidthOption{Bandwidth: []string{"in=8mbit"}}}, []string{"host", "tc", "qdisc", "show"}, `tbf .* rate 8Mbit`},
	{"firewall behind bridge, 1.0.0", `{"cniVersion": "1.0.0", "name": "lab", "plugins": [` + labBridge + `, {"type": "firewall", "backend": "iptables"}]}`, "conflist",
		network{}, []string{"host", "iptables-save", "-t", "filter"}, `-A CNI-FORWARD -s 10\.9\.0\.\d+/32 -j ACCEPT`},
	{"portmap behind bridge, 0.3.1", `{"cniVersion": "0.3.1", "name": "lab", "plugins": [` + labBridge + `, {"type": "portmap", "capabilities": {"portMappings": true}}]}`, "conflist",
		network{PublishOption: nsnet.PublishOption{Publish: []string{"8080:80"}}}, []string{"host", "sh", "-c", "iptables-save -t nat; nft list ruleset"}, `(?s)8080.*10\.9\.0\.\d+:80`},
	{"tuning, bandwidth, firewall and portmap behind bridge, 1.1.0", `{"cniVersion": "1.1.0", "name": "lab", "plugins": [` + labBridge + `, {"type": "tuning", "mtu": 1400}, {"type": "bandwidth", "capabilities": {"bandwidth": true}}, {"type": "firewall", "backend": "iptables"}, {"type": "portmap", "capabilities": {"portMappings": true}}]}`, "conflist",
		network{PublishOption: nsnet.PublishOption{Publish: []string{"8080:80"}}, BandwidthOption: nsnet.BandwidthOption{Bandwidth: []string{"in=8mbit"}}}, []string{"host", "sh", "-c", "iptables-save; nft list ruleset; tc qdisc show"}, `(?s)8080.*10\.9\.0\.\d+:80.*tbf .* rate 8Mbit`},
	{"tuning and bandwidth behind bridge, 0.3.1", `{"cniVersion": "0.3.1", "name": "lab", "plugins": [` + labBridge + `, {"type": "tuning", "mtu": 1400}, {"type": "bandwidth", "capabilities": {"bandwidth": true}}]}`, "conflist",
		network{BandwidthOption: nsnet.BandwidthOption{Bandwidth: []string{"in=8mbit"}}}, []string{"host", "tc", "qdisc", "show"}, `tbf .* rate 8Mbit`},
	// The firewall plugin speaks no version before this one.
	{"bandwidth, firewall and portmap behind bridge, 0.4.0", `{"cniVersion": "0.4.0", "name": "lab", "plugins": [` + labBridge + `, {"type": "bandwidth", "ingressRate": 8000000, "ingressBurst": 80000}, {"type": "firewall", "backend": "iptables"}, {"type": "portmap", "capabilities": {"portMappings": true}}]}`, "conflist",
		network{PublishOption: nsnet.PublishOption{Publish: []string{"8080:80"}}}, []string{"host", "sh", "-c", "iptables-save; nft list ruleset; tc qdisc show"}, `(?s)CNI-FORWARD -s 10\.9\.0\.\d+/32 -j ACCEPT.*tbf .* rate 8Mbit`},
	{"loopback behind bridge, 1.1.0", `{"cniVersion": "1.1.0", "name": "lab", "plugins": [` + labBridge + `, {"type": "loopback"}]}`, "conflist",
		network{}, []string{"ip", "-o", "addr", "show", "lo"}, `127\.0\.0\.1/8`},
}

// TestForeignConflists joins networks that weren't made for nsrun, as they stand.
func TestForeignConflists(t *testing.T) {
	for _, tt := range foreign {
		t.Run(tt.name, func(t *testing.T) {
			h := newHost(t)
			h.Run("ip", "link", "add", "outside", "type", "veth", "peer", "name", "far")
			h.Run("ip", "link", "set", "outside", "up")
			h.Run("ip", "link", "set", "far", "up")
			n := &tt.options
			n.Network = write(t, t.TempDir(), "lab."+tt.ext, tt.text)
			s := h.newSandbox()
			s.mustPre(n)
			run := s.Run
			if tt.ask[0] == "host" {
				run, tt.ask = h.Run, tt.ask[1:]
			}
			if said := run(tt.ask[0], tt.ask[1:]...); !regexp.MustCompile(tt.want).MatchString(said) {
				t.Errorf("%v says %s; want %s", tt.ask, said, tt.want)
			}
			for _, d := range s.check(n) {
				if hasCheck := !strings.Contains(tt.text, `"0.3.1"`); d.Severity == ns.Error || hasCheck == (d.Severity == ns.Warning) {
					t.Errorf("check: %+v", d)
				}
			}
			s.MustPost(n)
			h.Lacks(s.ID, `10\.9\.0\.([2-9]|[1-9]\d|1\d\d)`, `veth\w+`)
			if !strings.Contains(h.Run("ip", "link", "show", "outside"), "outside") {
				t.Error("the host's interface didn't come back")
			}
		})
	}
}

// TestForeignPlugins chains plugins from outside the reference set behind bridge: the
// one that the CNI project tests runtimes with, and one in shell.
func TestForeignPlugins(t *testing.T) {
	for _, version := range []string{"0.3.1", "0.4.0", "1.0.0", "1.1.0"} {
		t.Run(version, func(t *testing.T) {
			h := newHost(t)
			dir := t.TempDir()
			bin := h.plugin("note", `
conf=$(cat); cd `+dir+`; echo $CNI_COMMAND $CNI_IFNAME $CNI_CONTAINERID >>calls
[ $CNI_COMMAND != ADD ] && exit 0
echo "$conf" >conf; echo "$conf" | sed 's/.*"prevResult":\({.*}\),"type".*/\1/'`)
			if out, err := exec.Command("go", "build", "-o", bin, "github.com/containernetworking/cni/plugins/test/noop").CombinedOutput(); err != nil {
				t.Fatalf("build noop: %v: %s", err, out)
			}
			debug := write(t, dir, "debug", `{"ReportResult": "{\"cniVersion\": \"`+version+`\", \"ips\": [{\"version\": \"4\", \"address\": \"10.9.0.2/24\"}], \"dns\": {\"nameservers\": [\"1.2.3.4\"]}}"}`)
			s, n := h.newSandbox(), &network{BinDir: []string{bin}}
			n.Network = h.conf("lab", version, labBridge, `{"type": "note", "greeting": "hello"}`, `{"type": "noop", "debugFile": "`+debug+`"}`)
			s.Req.Request.Kinds = append(s.Req.Request.Kinds, ns.Mount)
			reply, err := s.pre(n)
			if err != nil {
				t.Fatalf("%+v", ns.Diagnose(err))
			}
			if len(reply.Steps) != 2 || !strings.Contains(reply.Steps[0].Data, "nameserver 1.2.3.4\n") {
				t.Errorf("the last plugin's name server is not in %v", reply.Steps)
			}
			conf, err := os.ReadFile(filepath.Join(dir, "conf"))
			must(t, err)
			for _, want := range []string{`"greeting":"hello"`, `"cniVersion":"` + version + `"`, `"prevResult":{`, reply.Results["address"]} {
				if !strings.Contains(string(conf), want) {
					t.Errorf("the plugin was not told %s: %s", want, conf)
				}
			}
			s.MustPost(n)
			calls, err := os.ReadFile(filepath.Join(dir, "calls"))
			must(t, err)
			want := "ADD eth0 " + s.ID + "\nDEL eth0 " + s.ID + "\n"
			if version == "1.1.0" {
				want = "STATUS  \n" + want
			}
			if got := string(calls); strings.ReplaceAll(got, "STATUS\n", "STATUS  \n") != want {
				t.Errorf("calls %q; want %q", got, want)
			}
			h.Lacks(s.ID, reply.Results["address"], `veth\w+`)
		})
	}
}
