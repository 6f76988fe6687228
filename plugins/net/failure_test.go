// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/nsrun/nsrun/ns"
	"github.com/nsrun/nsrun/nsplugin/nsnet"
	"github.com/nsrun/nsrun/nsplugin/nsnet/nettest"
)

// conf writes a conflist with the given plugins and returns its path.
func (h *host) conf(name, version string, plugins ...string) string {
	text := fmt.Sprintf(`{"cniVersion": %q, "name": %q, "plugins": [%s]}`, version, name, strings.Join(plugins, ","))
	return write(h.T, h.T.TempDir(), name+".conflist", text)
}

// plugin writes a CNI plugin in shell, to a directory that it returns. The script
// is run for each command but VERSION.
func (h *host) plugin(name, script string) string {
	dir := h.T.TempDir()
	text := `#!/bin/sh
[ "$CNI_COMMAND" = VERSION ] && exec echo '{"cniVersion":"1.1.0","supportedVersions":["0.3.1","0.4.0","1.0.0","1.1.0"]}'
` + script
	must(h.T, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o755))
	return dir
}

// killedAttach starts PreExec in a process of its own and kills it after d.
func (s *sandbox) killedAttach(n *network, d time.Duration) {
	s.h.T.Helper()
	s.h.killed(s.hook(n), d)
}

// hook tells a helper to call the hook of s.Req.
func (s *sandbox) hook(n *network) map[string]any {
	return map[string]any{"Network": n, "Request": s.Req}
}

// killed tells a helper what to do, and kills it d after it has begun. It returns how the
// helper ended.
func (h *host) killed(what map[string]any, d time.Duration) error {
	h.T.Helper()
	cmd := h.helper(what)
	begun, err := cmd.StdoutPipe()
	must(h.T, err)
	must(h.T, cmd.Start())
	begun.Read(make([]byte, 1))
	defer time.AfterFunc(d, func() { cmd.Process.Kill() }).Stop()
	return cmd.Wait()
}

// helper returns a process that does what it is told.
func (h *host) helper(what map[string]any) *exec.Cmd {
	h.T.Helper()
	told, err := json.Marshal(what)
	must(h.T, err)
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), envHelper+"=1")
	cmd.Stdin, cmd.Stderr = bytes.NewReader(told), os.Stderr
	return cmd
}

// TestKilledWhileAttaching kills PreExec at many moments. PostExec knows nothing
// but the request, and leaves nothing. TestDefaultNetwork does it with nftables.
func TestKilledWhileAttaching(t *testing.T) {
	h := newHost(t)
	killEverywhere(h, "iptables", 20, func(*sandbox) {})
}

// killEverywhere kills PreExec as often as told, later each time.
func killEverywhere(h *host, nat string, kills int, killed func(*sandbox)) {
	s := h.newSandbox()
	n := &network{NAT: nat, PublishOption: nsnet.PublishOption{Publish: []string{"8080:80"}}, BinDir: []string{h.binDir}}
	begin := time.Now()
	s.mustPre(n)
	whole := time.Since(begin)
	s.MustPost(n)
	clean := h.Snapshot()
	for i := range kills {
		s := h.newSandbox()
		s.killedAttach(n, whole*time.Duration(i)/time.Duration(kills))
		killed(s)
		s.MustPost(n)
		if d := cmp.Diff(clean, h.Snapshot()); d != "" {
			h.T.Fatalf("killed after %d/%d of %v:\n%s", i, kills, whole, d)
		}
	}
}

// TestKilledWithNamespace is the same when the namespace dies as well.
func TestKilledWithNamespace(t *testing.T) {
	for _, nat := range []string{"nftables", "iptables"} {
		t.Run(nat, func(t *testing.T) { killEverywhere(newHost(t), nat, 10, (*sandbox).gone) })
	}
}

// gone lets the namespace go, and waits until the kernel has.
func (s *sandbox) gone() {
	s.Unpin()
	s.h.Settle()
}

// TestKilledWhileDetaching has DEL end when it is about to delete the chain of iptables(8)
// that it has made to empty it, and by then the interface is gone: its plugin dies, and
// once the process that called it as well.
func TestKilledWhileDetaching(t *testing.T) {
	for who, kill := range map[string]string{
		"the CNI plugin":  `kill -9 $PPID`,
		"all of PostExec": `kill -9 $(ps -o ppid= -p $PPID) $PPID`,
	} {
		t.Run(who, func(t *testing.T) {
			h := newHost(t)
			fake, killed := t.TempDir(), filepath.Join(t.TempDir(), "killed")
			script := fmt.Sprintf(`#!/bin/sh
case " $* " in *" -X "*) mkdir %s && { %s; exit 1; };; esac
exec /usr/sbin/iptables "$@"
`, killed, kill)
			must(t, os.WriteFile(filepath.Join(fake, "iptables"), []byte(script), 0o755))
			n := &network{NAT: "nftables"}
			whole := h.newSandbox()
			whole.mustPre(n)
			whole.MustPost(n)
			clean := h.Snapshot()

			bin := h.plugin("bridge", fmt.Sprintf(`PATH=%s:$PATH exec %s/bridge`, fake, h.binDir))
			for _, name := range []string{"host-local", "portmap"} {
				must(t, os.Symlink(filepath.Join(h.binDir, name), filepath.Join(bin, name)))
			}
			h.binDir = bin
			s := h.newSandbox()
			s.mustPre(n)
			s.Req.Point = ns.PostExec
			_ = h.helper(s.hook(n)).Run()
			if _, err := os.Stat(killed); err != nil {
				t.Fatal("nobody was killed: DEL deletes no chain any more")
			}
			s.MustPost(n)
			if d := cmp.Diff(clean, h.Snapshot()); d != "" {
				t.Errorf("left:\n%s", d)
			}
		})
	}
}

// TestFirewallKilled has a plugin that undoes only what the result cache lists,
// which libcni writes when the last plugin is done.
func TestFirewallKilled(t *testing.T) {
	h := newHost(t)
	bin := h.plugin("slow", `[ "$CNI_COMMAND" = ADD ] && sleep 5; exit 0`)
	file := h.conf("walled", "1.0.0",
		`{"type": "bridge", "bridge": "lab0", "isGateway": true, "ipam": {"type": "host-local", "subnet": "10.9.0.0/24"}}`,
		`{"type": "firewall", "backend": "iptables"}`, `{"type": "slow"}`)
	s := h.newSandbox()
	n := &network{Network: file, BinDir: []string{h.binDir, bin}}
	s.killedAttach(n, 1500*time.Millisecond)
	if !strings.Contains(h.Run("iptables-save", "-t", "filter"), "10.9.0.2") {
		t.Fatal("killed before the firewall plugin was done")
	}
	s.MustPost(n)
	if rules := h.Run("iptables-save", "-t", "filter"); strings.Contains(rules, "10.9.0.2") {
		t.Errorf("left:\n%s", rules)
	}
	h.Lacks(s.ID)
}

// TestUndoWaitsForPlugins kills PreExec while a plugin's own child is at work.
func TestUndoWaitsForPlugins(t *testing.T) {
	h := newHost(t)
	mark := filepath.Join(t.TempDir(), "mark")
	bin := h.plugin("slow", fmt.Sprintf(`if [ "$CNI_COMMAND" = ADD ]; then sh -c 'sleep 1; echo made >%[1]s'; else rm -f %[1]s; fi`, mark))
	s := h.newSandbox()
	n := &network{Network: h.conf("slow", "1.0.0", `{"type": "slow"}`), BinDir: []string{bin}}
	s.killedAttach(n, 500*time.Millisecond)
	s.MustPost(n)
	time.Sleep(time.Second)
	if _, err := os.Stat(mark); err == nil {
		t.Error("the plugin's child made something after DEL")
	}
}

// TestPoolExhausted has two addresses and three runs.
func TestPoolExhausted(t *testing.T) {
	h := newHost(t)
	file := h.conf("small", "1.0.0", `{"type": "bridge", "bridge": "lab0", "isGateway": true, "ipam": {"type": "host-local", "ranges": [[{"subnet": "10.9.0.0/24", "rangeStart": "10.9.0.2", "rangeEnd": "10.9.0.3"}]]}}`)
	a, b, c := h.newSandbox(), h.newSandbox(), h.newSandbox()
	a.mustPre(&network{Network: file})
	b.mustPre(&network{Network: file})
	before := h.Snapshot()
	_, err := c.pre(&network{Network: file})
	const want = "attach to network small: no address left in 10.9.0.2-10.9.0.3: all 2 are leased, 0 of them to runs that are alive"
	if err == nil || err.Error() != want {
		t.Errorf("got %v; want %s", err, want)
	}
	if d := ns.Diagnose(err); !strings.Contains(d[0].Detail, "ADD of CNI plugin bridge: code 999: ") || !strings.Contains(d[0].Hint, "nsctl gc") {
		t.Errorf("%+v", d)
	}
	if d := cmp.Diff(before, h.Snapshot()); d != "" {
		t.Errorf("the failed attach left something:\n%s", d)
	}
	c.MustPost(&network{Network: file})
	a.MustPost(&network{Network: file})
	if ip := h.newSandbox().mustPre(&network{Network: file}); ip != "10.9.0.2" {
		t.Errorf("got %s; want the address that is free again", ip)
	}
}

// TestZeroByteLease gives out an address whose lease was cut short.
func TestZeroByteLease(t *testing.T) {
	h := newHost(t)
	file := h.conf("small", "1.0.0", `{"type": "bridge", "bridge": "lab0", "isGateway": true, "ipam": {"type": "host-local", "ranges": [[{"subnet": "10.9.0.0/24", "rangeStart": "10.9.0.2", "rangeEnd": "10.9.0.2"}]]}}`)
	write(t, "/var/lib/cni/networks/small", "10.9.0.2", "")
	s := h.newSandbox()
	s.mustPre(&network{Network: file})
	s.MustPost(&network{Network: file})
	h.Lacks("10.9.0.2")
}

// TestTryAgainLater has a plugin that is busy at first.
func TestTryAgainLater(t *testing.T) {
	h := newHost(t)
	dir := t.TempDir()
	bin := h.plugin("busy", fmt.Sprintf(`
cd %s; echo $CNI_COMMAND >>calls
[ $CNI_COMMAND != ADD ] && exit 0
[ $(grep -c ADD calls) -lt 3 ] && { echo '{"cniVersion":"1.0.0","code":11,"msg":"not yet"}'; exit 1; }
echo '{"cniVersion":"1.0.0","interfaces":[{"name":"eth0","sandbox":"x"}],"ips":[{"address":"10.9.0.2/24","gateway":"10.9.0.1"}]}'`, dir))
	s := h.newSandbox()
	n := &network{Network: h.conf("busy", "1.1.0", `{"type": "busy"}`), BinDir: []string{bin}}
	if ip := s.mustPre(n); ip != "10.9.0.2" {
		t.Errorf("address %q", ip)
	}
	s.MustPost(n)
	calls, err := os.ReadFile(filepath.Join(dir, "calls"))
	must(t, err)
	const want = "STATUS ADD DEL STATUS ADD DEL STATUS ADD DEL"
	if got := strings.Join(strings.Fields(string(calls)), " "); got != want {
		t.Errorf("calls: %s; want %s", got, want)
	}
}

// TestPluginErrors has plugins that fail in every way the protocol knows, and in
// some that it doesn't.
func TestPluginErrors(t *testing.T) {
	for _, tt := range []struct{ name, script, summary, detail string }{
		{"error", `echo '{"cniVersion":"1.0.0","code":123,"msg":"no luck","details":"at all"}'; echo grumble >&2; exit 1`,
			"ADD of CNI plugin bad: no luck", "ADD of CNI plugin bad: code 123: no luck; at all; grumble"},
		{"version", `echo '{"cniVersion":"1.0.0","code":1,"msg":"incompatible"}'; exit 1`,
			"CNI plugin bad doesn't speak CNI 1.1.0", "ADD of CNI plugin bad: code 1: incompatible"},
		{"status", `[ $CNI_COMMAND = STATUS ] && { echo '{"code":50,"msg":"link down"}'; exit 1; }`,
			"CNI plugin bad is not available", "STATUS of CNI plugin bad: code 50: link down"},
		{"silent", `exit 3`, "ADD of CNI plugin bad: ended without a CNI error: exit status 3", "ADD of CNI plugin bad: code 999: ended without a CNI error: exit status 3"},
		{"signal", `kill -SEGV $$`, "ADD of CNI plugin bad: ended without a CNI error: signal: segmentation fault", ""},
		{"babble", `echo hello; echo world >&2; exit 1`, "ADD of CNI plugin bad: ended without a CNI error: exit status 1", "; it wrote hello; world"},
		{"no result", `echo hello`, "unmarshal", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := newHost(t)
			script := tt.script
			if tt.name != "status" {
				script = "[ $CNI_COMMAND = ADD ] || exit 0\n" + script
			} else {
				script += "\nexit 0"
			}
			n := &network{Network: h.conf("bad", "1.1.0", `{"type": "bad"}`), BinDir: []string{h.plugin("bad", script)}}
			s := h.newSandbox()
			_, err := s.pre(n)
			if err == nil || !strings.Contains(err.Error(), tt.summary) {
				t.Fatalf("got %v; want %s", err, tt.summary)
			}
			if d := ns.Diagnose(err)[0]; !strings.Contains(d.Detail, tt.detail) {
				t.Errorf("detail %q; want %q", d.Detail, tt.detail)
			}
			s.MustPost(n)
		})
	}
}

// TestFailedDelGoesOn has a plugin in the middle whose DEL fails; those before it
// are undone all the same.
func TestFailedDelGoesOn(t *testing.T) {
	h := newHost(t)
	bin := h.plugin("bad", `cat >/dev/null; [ $CNI_COMMAND = DEL ] && [ ! -e /run/mended ] && { echo '{"code":99,"msg":"can not"}'; exit 1; }
echo '{"cniVersion":"1.0.0"}'`)
	file := h.conf("lab", "1.0.0", `{"type": "bridge", "bridge": "lab0", "isGateway": true, "ipMasq": true, "ipMasqBackend": "nftables", "ipam": {"type": "host-local", "subnet": "10.9.0.0/24"}}`, `{"type": "bad"}`)
	n := &network{Network: file, BinDir: []string{bin}}
	s := h.newSandbox()
	_, err := s.pre(n)
	must(t, err)
	err = s.Post(n)
	want := "detach run " + s.ID + " from network lab: "
	if err == nil || !strings.HasPrefix(err.Error(), want) || !strings.Contains(err.Error(), "DEL of CNI plugin bad: can not") {
		t.Errorf("got %v; want %s", err, want)
	}
	h.Lacks(s.ID, "10.9.0.2", `veth\w*`)

	must(t, os.WriteFile("/run/mended", nil, 0o600))
	defer os.Remove("/run/mended")
	s.MustPost(n)
}

// TestFailedDelHasTheResult has plugins on both sides of one whose DEL fails; firewall undoes
// only what the result of ADD lists.
func TestFailedDelHasTheResult(t *testing.T) {
	h := newHost(t)
	bin := h.plugin("bad", `cat >/dev/null; [ $CNI_COMMAND = DEL ] && { echo '{"code":99,"msg":"can not"}'; exit 1; }
echo '{"cniVersion":"1.0.0","ips":[{"address":"10.9.0.2/24"}]}'`)
	file := h.conf("lab", "1.0.0", `{"type": "bridge", "bridge": "lab0", "isGateway": true, "ipam": {"type": "host-local", "subnet": "10.9.0.0/24"}}`,
		`{"type": "firewall", "backend": "iptables"}`, `{"type": "bad"}`, `{"type": "tuning"}`)
	n := &network{Network: file, BinDir: []string{bin}}
	s := h.newSandbox()
	_, err := s.pre(n)
	must(t, err)
	if rules := h.Run("iptables-save", "-t", "filter"); !strings.Contains(rules, "10.9.0.2") {
		t.Fatalf("firewall has made nothing:\n%s", rules)
	}
	if err := s.Post(n); err == nil {
		t.Error("DEL of bad succeeds")
	}
	if rules := h.Run("iptables-save", "-t", "filter"); strings.Contains(rules, "10.9.0.2") {
		t.Errorf("left:\n%s", rules)
	}
}

// TestOlderPlugin detaches with a plugin that has been replaced by an older one, which
// doesn't speak the network's version any more: what the other made may be left.
func TestOlderPlugin(t *testing.T) {
	h := newHost(t)
	bin := h.plugin("aged", `cat >/dev/null; [ -e /run/older ] && { echo '{"code":1,"msg":"incompatible CNI versions"}'; exit 1; }
echo '{"cniVersion":"1.0.0"}'`)
	n := &network{Network: h.conf("lab", "1.0.0", `{"type": "aged"}`), BinDir: []string{bin}}
	s := h.newSandbox()
	_, err := s.pre(n)
	must(t, err)
	must(t, os.WriteFile("/run/older", nil, 0o600))
	defer os.Remove("/run/older")
	if err := s.Post(n); err == nil || !strings.Contains(err.Error(), "DEL of CNI plugin aged: incompatible CNI versions") {
		t.Errorf("got %v", err)
	}
	s = h.newSandbox()
	if _, err := s.pre(n); err == nil {
		t.Error("the older plugin was taken")
	}
	s.MustPost(n) // it has made nothing
}

// TestDetachedAgain has PostExec called once more, as after one that was killed when it had
// undone all, while the namespace is there and when it is gone.
func TestDetachedAgain(t *testing.T) {
	const pool = `"ipam": {"type": "host-local", "subnet": "10.9.0.0/24"}`
	for name, plugin := range map[string]string{
		"bridge":      `"type": "bridge", "bridge": "lab0"`,
		"macvlan":     `"type": "macvlan", "master": "outside"`,
		"ptp":         `"type": "ptp"`,
		"host-device": `"type": "host-device", "device": "outside"`,
	} {
		t.Run(name, func(t *testing.T) {
			h := newHost(t)
			h.Run("ip", "link", "add", "outside", "type", "veth", "peer", "name", "far")
			n := &network{Network: h.conf("lab", "1.1.0", "{"+plugin+", "+pool+"}")}
			s := h.newSandbox()
			s.mustPre(n)
			s.MustPost(n)
			h.Run("ip", "link", "show", "outside")
			s.MustPost(n)
			s.gone()
			s.MustPost(n)
			h.Lacks(s.ID, "10.9.0.2")
		})
	}
}

// TestPluginsGone detaches after the CNI plugins were removed from the host. That
// is an error, but the address and the rules are free again.
func TestPluginsGone(t *testing.T) {
	h := newHost(t)
	binDir := filepath.Join(t.TempDir(), "cni")
	h.Run("cp", "-r", h.binDir, binDir)
	s := h.newSandbox()
	s.h.binDir = binDir
	n := &network{NAT: "nftables", PublishOption: nsnet.PublishOption{Publish: []string{"8080:80"}}}
	ip := s.mustPre(n)
	must(t, os.Rename(binDir, binDir+".gone"))
	err := s.Post(n)
	if want := `no CNI plugin "bridge" in ` + binDir; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v; want %s", err, want)
	}
	if rules := h.Run("nft", "list", "ruleset"); strings.Contains(rules, s.ID) {
		t.Errorf("rules are left: %s", rules)
	}
	if _, err := os.Stat(filepath.Join(runDir, "networks", defaultName, ip)); err == nil {
		t.Error("the lease is left")
	}
	must(t, os.Rename(binDir+".gone", binDir))
	s.MustPost(n)
	h.Lacks(s.ID, ip, `veth\w*`)
}

// TestPluginsDie kills PreExec; the CNI plugin that it waits for dies with it.
func TestPluginsDie(t *testing.T) {
	h := newHost(t)
	file := filepath.Join(t.TempDir(), "pid")
	bin := h.plugin("slow", fmt.Sprintf(`[ $CNI_COMMAND = ADD ] && { echo $$ >%s; exec sleep 60; }; exit 0`, file))
	s := h.newSandbox()
	n := &network{Network: h.conf("slow", "1.0.0", `{"type": "slow"}`), BinDir: []string{bin}}
	s.killedAttach(n, 500*time.Millisecond)
	pid, err := os.ReadFile(file)
	must(t, err)
	for range 500 {
		if _, err := os.Stat("/proc/" + strings.TrimSpace(string(pid)) + "/exe"); err != nil {
			s.MustPost(n)
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("the CNI plugin, process %s, still runs", pid)
}

// TestIPTablesOneByOne attaches side by side with a plugin that, as portmap with
// iptables, can't bear another at the same time.
func TestIPTablesOneByOne(t *testing.T) {
	h := newHost(t)
	busy := filepath.Join(t.TempDir(), "busy")
	bin := h.plugin("portmap", fmt.Sprintf(`[ $CNI_COMMAND != ADD ] && exit 0
mkdir %[1]s || { echo '{"code":100,"msg":"two at once"}'; exit 1; }
sleep 0.2; rmdir %[1]s; echo '{"cniVersion":"1.0.0"}'`, busy))
	h.binDir = bin
	file := h.conf("shared", "1.0.0", `{"type": "portmap"}`)
	var all sync.WaitGroup
	for range 4 {
		s := h.newSandbox()
		all.Go(func() {
			if err := nettest.In(h.Path, func() error { _, err := s.pre(&network{Network: file}); return err }); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
}

// TestOtherNetworks attaches two sandboxes to each network without a bridge, where they
// reach each other.
func TestOtherNetworks(t *testing.T) {
	for name, plugin := range map[string]string{
		"ptp":     `"type": "ptp", "ipMasq": true, "ipMasqBackend": "nftables", "ipam": {"type": "host-local", "subnet": "10.9.0.0/24", "routes": [{"dst": "0.0.0.0/0"}]}`,
		"macvlan": `"type": "macvlan", "master": "outside", "ipam": {"type": "host-local", "subnet": "10.9.0.0/24"}`,
	} {
		t.Run(name, func(t *testing.T) {
			h := newHost(t)
			h.Run("ip", "link", "add", "outside", "type", "veth", "peer", "name", "far")
			h.Run("ip", "link", "set", "outside", "up")
			h.Run("ip", "link", "set", "far", "up")
			file := write(t, t.TempDir(), "x.conf", `{"cniVersion": "1.0.0", "name": "lab", `+plugin+`}`)
			a, b := h.newSandbox(), h.newSandbox()
			na, nb := &network{Network: file}, &network{Network: file}
			ipA, ipB := a.mustPre(na), b.mustPre(nb)
			a.Serve(80, "a")
			b.Serve(80, "b")
			h.Expect(a.Path, ipB+":80", "b")
			h.Expect(b.Path, ipA+":80", "a")
			a.MustPost(na)
			b.MustPost(nb)
			h.Lacks(a.ID, b.ID, "10.9.0.2", "10.9.0.3")
		})
	}
}

// TestManyAtOnce attaches and detaches side by side.
func TestManyAtOnce(t *testing.T) {
	for _, nat := range []string{"nftables", "iptables"} {
		t.Run(nat, func(t *testing.T) {
			h := newHost(t)
			const many = 12
			boxes := make([]*sandbox, many)
			for i := range boxes {
				boxes[i] = h.newSandbox()
			}
			var all sync.WaitGroup
			var mu sync.Mutex
			seen := map[string]bool{}
			for i, s := range boxes {
				all.Go(func() {
					err := nettest.In(h.Path, func() error {
						n := &network{NAT: nat, PublishOption: nsnet.PublishOption{Publish: []string{fmt.Sprintf("%d:80", 8000+i)}}}
						reply, err := s.pre(n)
						if err != nil {
							return err
						}
						mu.Lock()
						defer mu.Unlock()
						if ip := reply.Results["address"]; seen[ip] {
							return fmt.Errorf("%s given out twice", ip)
						} else {
							seen[ip] = true
						}
						return nil
					})
					if err != nil {
						t.Errorf("run %d: %v", i, ns.Diagnose(err))
					}
				})
			}
			all.Wait()
			for i, s := range boxes {
				s.Serve(80, s.ID)
				h.Expect(h.Path, fmt.Sprintf("127.0.0.1:%d", 8000+i), s.ID)
			}
			for _, s := range boxes {
				all.Go(func() {
					if err := nettest.In(h.Path, func() error { return s.Post(&network{NAT: nat}) }); err != nil {
						t.Errorf("%s: %v", s.ID, ns.Diagnose(err))
					}
				})
			}
			all.Wait()
			h.Lacks("run\\d+-.*", "10.177.0.2", `veth\w*`)
		})
	}
}

// TestBridgeWithoutAddress attaches to a bridge that lost its hardware address with its
// last interface, before anybody told it one.
func TestBridgeWithoutAddress(t *testing.T) {
	h := newHost(t)
	h.Run("ip", "link", "add", defaultBridge, "type", "bridge")
	h.Run("ip", "link", "add", "first", "type", "veth", "peer", "name", "far")
	h.Run("ip", "link", "set", "far", "master", defaultBridge)
	h.Run("ip", "link", "delete", "first")
	if text := h.Run("ip", "-o", "link", "show", defaultBridge); !strings.Contains(text, "00:00:00:00:00:00 brd") {
		t.Fatalf("the bridge has an address: %s", text)
	}
	s := h.newSandbox()
	n := &network{}
	s.mustPre(n)
	s.MustPost(n)
}
