// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// The versions of CNI's specification that networks are written in.
var cniVersions = []string{"0.3.1", "0.4.0", "1.0.0", "1.1.0"}

// foreign is a network as others write it, called lab.
type foreign struct {
	name    string
	plugins []string // one alone is written in both forms, .conf and .conflist
	flags   string
	// ask is a script on the host, in which `lab CMD` runs in the sandbox; want is what it
	// prints, as a regular expression.
	ask, want string
	// calls are lines that one of the plugins writes to /run/called, in this order.
	calls []string
	// misses is what CHECK doesn't find, since a plugin left it out of the result.
	misses string
	// since is the first version that the plugin firewall speaks, which refuses those
	// before. Without it all versions are spoken.
	since string
}

const (
	labLocal  = `"ipam": {"type": "host-local", "subnet": "10.9.0.0/24", "routes": [{"dst": "0.0.0.0/0"}]}`
	labBridge = `{"type": "bridge", "bridge": "lab0", "isGateway": true, "ipMasq": true, ` + labLocal + `}`
	labTuning = `{"type": "tuning", "mtu": 1400, "sysctl": {"net.ipv4.conf.IFNAME.arp_filter": "1"}, "capabilities": {"mac": true}}`
	labLimit  = `{"type": "bandwidth", "capabilities": {"bandwidth": true}}`
	labWall   = `{"type": "firewall", "backend": "iptables"}`
	labPorts  = `{"type": "portmap", "capabilities": {"portMappings": true}}`
	labNoop   = `{"type": "noop", "greeting": "hello", "debugFile": "/run/noop", "commandLog": "/run/called"}`
	labShell  = `{"type": "shell"}`
)

// foreigners are the reference plugins, but for dhcp, which leaves its work to a daemon
// that the host would have to run, and two that are none of them: noop, by which the CNI
// project tests runtimes, and one in shell.
var foreigners = []foreign{
	{name: "bridge", plugins: []string{labBridge},
		ask: "lab ip -o addr show eth0; lab ip route; bridge link", want: `(?s)inet 10\.9\.0\.2/24.*default via 10\.9\.0\.1 .*veth.* master lab0`},
	{name: "ptp", plugins: []string{`{"type": "ptp", "ipMasq": true, ` + labLocal + `}`},
		ask: "lab ip -o addr show eth0; lab ip route", want: `(?s)inet 10\.9\.0\.2/24.*default via 10\.9\.0\.1 .*10\.9\.0\.1 dev eth0`},
	{name: "macvlan", plugins: []string{`{"type": "macvlan", "master": "outside", ` + labLocal + `}`},
		ask: "lab ip -d addr show eth0", want: `(?s)macvlan mode bridge.*inet 10\.9\.0\.2/24`},
	{name: "host-device", plugins: []string{`{"type": "host-device", "device": "outside", ` + labLocal + `}`},
		ask: "lab ip -o addr show eth0; ip link show outside 2>&1 || :", want: `(?s)inet 10\.9\.0\.2/24.*does not exist`},
	{name: "host-local", plugins: []string{`{"type": "bridge", "bridge": "lab0", "ipam": {"type": "host-local", "ranges": [[{"subnet": "10.9.0.0/24", "rangeStart": "10.9.0.50", "rangeEnd": "10.9.0.50"}]]}}`},
		ask: "lab ip -o addr show eth0; ls /var/lib/cni/networks/lab", want: `(?s)inet 10\.9\.0\.50/24.*\n10\.9\.0\.50\n`},
	{name: "static", plugins: []string{`{"type": "bridge", "bridge": "lab0", "ipam": {"type": "static", "addresses": [{"version": "4", "address": "10.9.0.7/24", "gateway": "10.9.0.1"}], "routes": [{"dst": "192.0.2.0/24"}]}}`},
		ask: "lab ip -o addr show eth0; lab ip route", want: `(?s)inet 10\.9\.0\.7/24.*192\.0\.2\.0/24 via 10\.9\.0\.1`},
	{name: "static with --ip and --ip6", plugins: []string{`{"type": "bridge", "bridge": "lab0", "capabilities": {"ips": true}, "ipam": {"type": "static"}}`}, flags: "--ip 10.9.0.99/24 --ip6 fd00::99/64",
		ask: "lab ip -o addr show eth0", want: `(?s)inet 10\.9\.0\.99/24.*inet6 fd00::99/64`},
	{name: "loopback", plugins: []string{labBridge, `{"type": "loopback"}`},
		ask: "lab ip -o addr show lo", want: `inet 127\.0\.0\.1/8`},
	{name: "tuning", plugins: []string{labBridge, labTuning}, flags: "--mac 02:00:5e:10:00:07",
		ask: "lab cat /proc/sys/net/ipv4/conf/eth0/arp_filter; lab ip link show eth0", want: `(?s)^1\n.* mtu 1400 .*link/ether 02:00:5e:10:00:07`},
	{name: "bandwidth", plugins: []string{labBridge, labLimit}, flags: "--bandwidth in=8mbit --bandwidth out=4mbit",
		ask: "tc qdisc show", want: `(?s)tbf .* rate 8Mbit.*tbf .* rate 4Mbit`},
	{name: "firewall", plugins: []string{labBridge, labWall}, since: "0.4.0",
		ask: "iptables-save -t filter", want: `-A CNI-FORWARD -s 10\.9\.0\.2/32 -j ACCEPT`},
	{name: "portmap", plugins: []string{labBridge, labPorts}, flags: "-p 18080:80",
		ask: "meet ask 127.0.0.1:18080=lab && echo reached", want: "^reached\n"},
	{name: "all behind bridge", plugins: []string{labBridge, labTuning, labLimit, labWall, labPorts}, flags: "--bandwidth in=8mbit -p 18080:80", since: "0.4.0",
		ask: "lab ip link show eth0; iptables-save -t filter; tc qdisc show; meet ask 127.0.0.1:18080=lab && echo reached", want: `(?s) mtu 1400 .*CNI-FORWARD -s 10\.9\.0\.2/32.*tbf .* rate 8Mbit.*\nreached\n`},
	{name: "noop", plugins: []string{labBridge, labNoop},
		ask: `lab cat /etc/resolv.conf; sed 's/.*"StdinData":"\([^"]*\)".*/\1/' /run/called | base64 -d`, want: `(?s)nameserver 192\.0\.2\.53\n.*"greeting":"hello".*"prevResult":{.*"10\.9\.0\.2/24"`, calls: allCalls, misses: "CHECK of CNI plugin bridge: Interface name missing"},
	{name: "shell behind bridge", plugins: []string{labBridge, labShell},
		ask: "lab cat /etc/resolv.conf; lab ip -o addr show eth0", want: `(?s)nameserver 192\.0\.2\.53\n.*inet 10\.9\.0\.2/24`, calls: allCalls},
	{name: "shell", plugins: []string{labShell},
		ask: "lab ip -d addr show eth0", want: `(?s)bridge.*inet 10\.9\.0\.5/24`, calls: allCalls},
}

// allCalls are what the plugin of a run that is checked is called for, newerCalls those
// that have been in CNI only since these versions.
var (
	allCalls   = []string{"STATUS", "ADD", "CHECK", "DEL"}
	newerCalls = map[string]string{"CHECK": "0.4.0", "STATUS": "1.1.0"}
)

// TestForeignNetworks joins networks that weren't made for nsrun, as they stand: each
// plugin in each version of the specification and in each form that can hold it.
func TestForeignNetworks(t *testing.T) {
	requireRoot(t)
	for _, version := range cniVersions {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			host := newAlone(t)
			host.run(t, strings.ReplaceAll(foreignHost, "VERSION", version))
			for _, f := range foreigners {
				for _, form := range f.forms() {
					t.Run(f.name+form, func(t *testing.T) { f.try(t, host, version, form) })
				}
			}
		})
	}
}

// foreignHost gives a host a device of its own, a place for others' leases, and the
// answer of noop in a version.
const foreignHost = `
mount -t tmpfs tmpfs /var/lib
ip link add outside type veth peer name far
ip link set far up
cat >/run/noop <<END
{"ReportResult": "{\"cniVersion\": \"VERSION\", \"ips\": [{\"version\": \"4\", \"address\": \"10.9.0.2/24\"}], \"dns\": {\"nameservers\": [\"192.0.2.53\"]}}"}
END`

// foreignLeft prints all that a run on the network can leave, and makes the host ready
// for the next one.
const foreignLeft = `
ip -o link | grep -E 'veth|bwp|ifb' | grep -v outside
tc qdisc show | grep -E 'tbf|ingress'
iptables-save 2>&1 | grep -E '10\.9\.|id: '
nft list ruleset | grep -E '10\.9\.|id: '
find /run/nsrun/runs -mindepth 1 ! -name 'lock*'
find /var/lib/cni -name '10.*'
rm -rf /var/lib/cni/networks
ip link delete lab0 2>/dev/null
ip link set outside up`

// forms are the endings of the files that can hold the network.
func (f *foreign) forms() []string {
	if len(f.plugins) > 1 {
		return []string{".conflist"}
	}
	return []string{".conf", ".conflist"}
}

// text is the network's configuration.
func (f *foreign) text(version, form string) string {
	begin := fmt.Sprintf(`{"cniVersion": %q, "name": "lab", `, version)
	if form == ".conf" {
		return begin + strings.TrimPrefix(f.plugins[0], "{")
	}
	return begin + `"plugins": [` + strings.Join(f.plugins, ", ") + `]}`
}

// try has a sandbox join the network, asks what is to be seen of it, has its plugins
// check it, and looks for what is left.
func (f *foreign) try(t *testing.T, host *alone, version, form string) {
	file := filepath.Join(t.TempDir(), "lab"+form)
	if err := os.WriteFile(file, []byte(f.text(version, form)), 0o644); err != nil {
		t.Fatal(err)
	}
	if left := host.run(t, ": >/run/called"+foreignLeft); left != "" {
		t.Fatalf("there before: %s", left)
	}
	lab, err := host.admit("lab", "net", "--network "+file+" --cni-bin-dir "+binDir+"/test/cni --cni-bin-dir "+rootDir()+"/e2e/testdata/cni "+f.flags)
	if version < f.since {
		if err == nil || !strings.Contains(err.Error(), "firewall doesn't speak CNI "+version) {
			t.Errorf("got %v; want a refusal of version %s", err, version)
		}
	} else if err != nil {
		t.Fatal(err)
	} else {
		f.look(t, host, version)
		if err := lab.leave(); err != nil {
			t.Error(err)
		}
	}
	f.checkCalls(t, host, version)
	if left := host.run(t, foreignLeft); left != "" {
		t.Errorf("left:\n%s", left)
	}
}

// look asks what is to be seen of the network while the sandbox is on it.
func (f *foreign) look(t *testing.T, host *alone, version string) {
	t.Helper()
	if said := host.run(t, `lab() { nsctl exec lab -- "$@"; }; `+f.ask); !regexp.MustCompile(f.want).MatchString(said) {
		t.Errorf("%s\nsays\n%s\nwant %s", f.ask, said, f.want)
	}
	said, want := host.run(t, "nsctl inspect --check lab 2>&1 && echo all is well || :"), cmp.Or(f.misses, "all is well")
	if version < newerCalls["CHECK"] {
		want = "has no CHECK"
	}
	if !strings.Contains(said, want) {
		t.Errorf("check says\n%s\nwant %s", said, want)
	}
}

// checkCalls compares the calls that a plugin has written down with those that it should
// have had.
func (f *foreign) checkCalls(t *testing.T, host *alone, version string) {
	t.Helper()
	called := strings.Fields(host.run(t, `grep -Eo '^(STATUS|ADD|CHECK|DEL)$|"(STATUS|ADD|CHECK|DEL)"' /run/called | tr -d '"' || :`))
	want := slices.DeleteFunc(slices.Clone(f.calls), func(call string) bool { return version < newerCalls[call] })
	if !slices.Equal(called, want) {
		t.Errorf("called %v; want %v", called, want)
	}
}
