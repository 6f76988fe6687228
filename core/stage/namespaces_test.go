// SPDX-License-Identifier: Apache-2.0

package stage

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/nsrun/nsrun/ns"
)

func TestExactlyTheKindsGivenAreNew(t *testing.T) {
	needRoot(t)
	all := []ns.Kind{ns.PID, ns.IPC, ns.UTS, ns.Cgroup, ns.Net, ns.Mount, ns.Time, ns.User}
	for _, kinds := range [][]ns.Kind{{}, {ns.UTS}, {ns.IPC}, {ns.PID}, {ns.Net}, {ns.Mount}, {ns.Cgroup}, {ns.Time}, {ns.User}, all} {
		t.Run(fmt.Sprint(kinds), func(t *testing.T) {
			out := output(t, order{Config: Config{Kinds: kinds}}, sh("readlink /proc/self/ns/*")...)
			for _, k := range all {
				host, err := os.Readlink("/proc/self/ns/" + k.File())
				if err != nil {
					t.Fatal(err)
				}
				isNew := !strings.Contains(out, host+"\n")
				if want := contains(kinds, k); isNew != want {
					t.Errorf("%s is new: %v, want %v\n%s", k, isNew, want, out)
				}
			}
		})
	}
}

func contains(kinds []ns.Kind, k ns.Kind) bool {
	c := compiler{cfg: Config{Kinds: kinds}}
	return c.has(k)
}

func TestNamespacesThatTheChildIsRefusedAreTold(t *testing.T) {
	needRoot(t)
	for name, o := range map[string]order{
		"alone":             {Config: Config{Kinds: []ns.Kind{ns.UTS}}},
		"with an id map":    {Config: Config{Kinds: []ns.Kind{ns.User, ns.Net}, IDMap: &ns.IDMap{UIDs: []ns.Extent{{Size: 1}}, GIDs: []ns.Extent{{Size: 1}}}}},
		"and a larger plan": {Config: Config{Kinds: []ns.Kind{ns.PID, ns.Mount}, Steps: plan(private, proc, ns.Step{Op: ns.OpInit})}},
	} {
		t.Run(name, func(t *testing.T) {
			want := fmt.Sprintf("front: make the namespaces %s: no space left on device\ncause: unshare(2) answered ENOSPC\n", ns.JoinKinds(o.Kinds, ","))
			_, stderr, status := newRun(t, o, "true").injected(t, "unshare:error=ENOSPC").result(t)
			if status != 125 || stderr != want {
				t.Errorf("status %d: %s\nwant %s", status, stderr, want)
			}
		})
	}
}

func TestWithoutClone3(t *testing.T) {
	needRoot(t)
	o := order{NoClone3: true, Config: Config{Kinds: []ns.Kind{ns.UTS, ns.PID}, Steps: plan(
		ns.Step{Op: ns.OpHostname, Data: "old"}, ns.Step{Op: ns.OpInit},
	)}}
	if out := output(t, o, sh("hostname; echo $$")...); out != "old\n2\n" {
		t.Errorf("got %q", out)
	}
	// The runtime's handlers must be gone: nothing is caught before the shell does.
	out := output(t, o, "cat", "/proc/self/status")
	if got := statusField(out, "SigCgt"); got != "0000000000000000" {
		t.Errorf("signals are caught: %s", got)
	}
}

// statusField returns a field of /proc/PID/status; proc(5).
func statusField(status, name string) string {
	for line := range strings.Lines(status) {
		if value, ok := strings.CutPrefix(line, name+":"); ok {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

func TestTheNameIsSetInsideOnly(t *testing.T) {
	needRoot(t)
	before, _ := os.Hostname()
	o := order{Config: Config{Kinds: []ns.Kind{ns.UTS}, Steps: plan(
		ns.Step{Op: ns.OpHostname, Data: "inside"}, ns.Step{Op: ns.OpDomainname, Data: "example.org"},
	)}}
	if out := output(t, o, sh("hostname; cat /proc/sys/kernel/domainname")...); out != "inside\nexample.org\n" {
		t.Errorf("got %q", out)
	}
	if after, _ := os.Hostname(); after != before {
		t.Errorf("the host is called %q now", after)
	}
}

func TestLinkUpAndSysctl(t *testing.T) {
	needRoot(t)
	const key = "/proc/sys/net/ipv4/ip_default_ttl"
	before, err := os.ReadFile(key)
	if err != nil {
		t.Fatal(err)
	}
	o := order{Config: Config{Kinds: []ns.Kind{ns.Net}, Steps: plan(
		ns.Step{Op: ns.OpLinkUp, Target: "lo"}, ns.Step{Op: ns.OpLinkUp, Target: "nosuch0", IfExists: true},
		ns.Step{Op: ns.OpSysctl, Target: "net.ipv4.ip_default_ttl", Data: "99"},
		ns.Step{Op: ns.OpSysctl, Target: "net.ipv4.nosuch", Data: "1", IfExists: true},
	)}}
	if out := output(t, o, sh("cat /sys/class/net/lo/flags; cat "+key+"; ip -o link show lo")...); !strings.Contains(out, "LOOPBACK,UP") || !strings.Contains(out, "\n99\n") {
		t.Errorf("got %s", out)
	}
	if after, _ := os.ReadFile(key); !bytes.Equal(after, before) {
		t.Errorf("the host's value changed to %s", after)
	}
}

func TestAFailingStepIsNamed(t *testing.T) {
	needRoot(t)
	for _, c := range []struct {
		step        ns.Step
		want, cause string
	}{
		{ns.Step{Op: ns.OpLinkUp, Target: "nosuch0"}, "test: set the interface nosuch0 up: no such device", "ioctl(2) answered ENODEV"},
		{ns.Step{Op: ns.OpMount, FSType: "tmpfs", Target: "/tmp", Data: "colour=red"}, "test: mount tmpfs on /tmp: invalid argument", "tmpfs: Unknown parameter 'colour'"},
		{ns.Step{Op: ns.OpMount, FSType: "nosuchfs", Target: "/tmp"}, "test: mount nosuchfs on /tmp: no such device", "fsopen(2) answered ENODEV"},
	} {
		o := order{Config: Config{Kinds: []ns.Kind{ns.Net, ns.Mount}, Steps: plan(c.step)}}
		out, stderr, status := newRun(t, o, "echo", "must not run").result(t)
		if status != 125 || out != "" {
			t.Errorf("exit status %d, output %q", status, out)
		}
		if want := "front: " + c.want + "\ncause: " + c.cause + "\n"; stderr != want {
			t.Errorf("got  %swant %s", stderr, want)
		}
	}
}

func TestAnOrdinaryUserBecomesRootInside(t *testing.T) {
	needRoot(t) // to become that user
	unchanged(t)
	secret := makeTree(t, "f = root's")
	if err := os.Chmod(secret+"/f", 0o600); err != nil {
		t.Fatal(err)
	}
	o := order{Config: Config{
		Kinds: []ns.Kind{ns.User, ns.PID, ns.Mount, ns.UTS, ns.IPC, ns.Net},
		IDMap: &ns.IDMap{UIDs: []ns.Extent{{Outside: 65534, Size: 1}}, GIDs: []ns.Extent{{Outside: 65534, Size: 1}}, DenySetgroups: true},
		Steps: plan(private, proc, tmp, bind("/usr", "/tmp/usr", ns.ReadOnly), ns.Step{Op: ns.OpLinkUp, Target: "lo"},
			ns.Step{Op: ns.OpFile, Target: "/tmp/f", Data: "x"}, ns.Step{Op: ns.OpHostname, Data: "user"}, ns.Step{Op: ns.OpInit}),
	}}
	r := newRun(t, o, sh("id -u; cat "+secret+"/f 2>/dev/null || echo denied; hostname; cat /tmp/f; touch /tmp/usr/x 2>/dev/null || echo read-only; echo $$")...)
	asNobody(t, r)
	out, stderr, status := r.result(t)
	if want := "0\ndenied\nuser\nxread-only\n2\n"; out != want || status != 0 {
		t.Errorf("status %d, got %q, want %q\n%s", status, out, want, stderr)
	}
}

func TestAMapThatLeavesOutTheCallerIsUsedAsRoot(t *testing.T) {
	needRoot(t)
	extents := []ns.Extent{{Outside: 100000, Size: 65536}}
	o := order{Config: Config{
		Kinds: []ns.Kind{ns.User, ns.Mount}, IDMap: &ns.IDMap{UIDs: extents, GIDs: extents},
		Steps: plan(tmp, ns.Step{Op: ns.OpMkdir, Target: "/tmp/d"}),
	}}
	if out := output(t, o, sh("id -u; id -G; stat -c %u /tmp/d")...); out != "0\n0\n0\n" {
		t.Errorf("got %q", out)
	}
	o.Command.User = &Credential{UID: 33, GID: 34, Groups: []uint32{35, 36}}
	if out := output(t, o, sh("id -u; id -G")...); out != "33\n34 35 36\n" {
		t.Errorf("got %q", out)
	}
}
