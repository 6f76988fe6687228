// SPDX-License-Identifier: Apache-2.0

package stage

import (
	"strings"
	"testing"

	"github.com/nsrun/nsrun/ns"
	"golang.org/x/sys/unix"
)

// confined makes an order in new PID and mount namespaces with an init.
func confined(steps ...ns.Step) order {
	o := mounts(append([]ns.Step{private, proc, {Op: ns.OpInit}}, steps...)...)
	o.Command.NoNewPrivs = true
	return o
}

// refuse returns a filter that answers EPERM to a call and lets others through.
func refuse(nr uint32) ns.Step {
	return ns.Step{Op: ns.OpSeccomp, Data: ns.EncodeFilter([]ns.FilterInstr{
		{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS},
		{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, JF: 1, K: nr},
		{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ERRNO | uint32(unix.EPERM)},
		{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ALLOW},
	}, false)}
}

const onlyCaps = "grep -h ^Cap /proc/self/status | cut -f2 | tr '\\n' ' '"

func TestCapabilitiesAreCutDownToThoseKept(t *testing.T) {
	needRoot(t)
	all := "000001ffffffffff"
	for name, c := range map[string]struct {
		data string
		user *Credential
		want string // inheritable, permitted, effective, bounding, ambient
	}{
		"none":                {"", nil, "0 0 0 0 0"},
		"two":                 {"chown,kill", nil, "0 21 21 21 0"},
		"another user":        {"chown,kill", &Credential{UID: 33, GID: 33}, "0 0 0 21 0"},
		"ambient":             {"chown,+net_bind_service", nil, "400 401 401 401 400"},
		"ambient, other user": {"chown,+net_bind_service", &Credential{UID: 33, GID: 33}, "400 400 400 401 400"},
	} {
		t.Run(name, func(t *testing.T) {
			o := confined(ns.Step{Op: ns.OpCaps, Data: c.data})
			o.Command.User = c.user
			var got []string
			for _, field := range strings.Fields(output(t, o, sh(onlyCaps)...)) {
				got = append(got, strings.TrimLeft(field[:len(field)-1], "0")+field[len(field)-1:])
			}
			if strings.Join(got, " ") != c.want {
				t.Errorf("got %s, want %s", strings.Join(got, " "), c.want)
			}
		})
	}
	o := order{Config: Config{Kinds: []ns.Kind{ns.User}, IDMap: &ns.IDMap{
		UIDs: []ns.Extent{{Size: 1}}, GIDs: []ns.Extent{{Size: 1}},
	}, Steps: plan(ns.Step{Op: ns.OpCaps, Data: strings.Join(ns.Capabilities(), ",")})}}
	if out := output(t, o, sh(onlyCaps)...); strings.Count(out, all) != 3 {
		t.Errorf("in a user namespace that keeps all: %s", out)
	}
}

func TestCapabilitiesThatTheCallerHandsDownEndHere(t *testing.T) {
	needRoot(t)
	r := newRun(t, order{}, sh(onlyCaps)...)
	r.Path = "/usr/bin/setpriv"
	r.Args = []string{"setpriv", "--inh-caps=+chown", "--ambient-caps=+chown", "/bin/bash", "-c", execFront(t)}
	out, stderr, _ := r.result(t)
	if sets := strings.Fields(out); len(sets) != 5 || strings.Trim(sets[0]+sets[4], "0") != "" || strings.Trim(sets[1], "0") == "" {
		t.Errorf("got %s %s", out, stderr)
	}
}

func TestTheFilterDecidesAboutTheCommandsCalls(t *testing.T) {
	needRoot(t)
	kept := makeTree(t, "f = x")
	out, stderr, _ := newRun(t, confined(refuse(unix.SYS_UNLINKAT)), sh("grep -h Seccomp: /proc/self/status; rm "+kept+"/f")...).result(t)
	if !strings.Contains(out, "Seccomp:\t2") || !strings.Contains(stderr, "Operation not permitted") {
		t.Errorf("got %s, %s", out, stderr)
	}
	if got := list(t, kept); got != "f=x" {
		t.Errorf("left: %s", got)
	}
	// One that forbids execve is told of.
	_, stderr, status := newRun(t, confined(refuse(unix.SYS_EXECVE)), "true").result(t)
	if status != 126 || !strings.Contains(stderr, "execute true: operation not permitted") {
		t.Errorf("status %d: %s", status, stderr)
	}
}

func TestTheInitOfARestrictedCommandIsRestricted(t *testing.T) {
	needRoot(t)
	for name, step := range map[string]ns.Step{"caps": {Op: ns.OpCaps, Data: "kill,sys_ptrace"}, "seccomp": refuse(unix.SYS_UNLINKAT)} {
		t.Run(name, func(t *testing.T) {
			// Until it is restricted, and has its name, it can't be traced.
			script := untilNamed + "cat /proc/1/status; (sleep 0.2; kill $$) & wait; exit 3"
			out, stderr, status := newRun(t, confined(step), sh(script)...).result(t)
			if status != 128+15 {
				t.Errorf("status %d: %s", status, stderr)
			}
			for field, want := range map[string]string{
				"CapEff": "0000000000000020", "CapPrm": "0000000000000020", "NoNewPrivs": "1", "Seccomp": "2", "Name": "nsrun-init",
			} {
				if got := statusField(out, field); got != want {
					t.Errorf("%s of the init is %q, want %q", field, got, want)
				}
			}
		})
	}
	// It still passes signals on, and reaps.
	out := output(t, confined(refuse(unix.SYS_UNLINKAT)), sh("trap 'echo got it; exit 0' USR1; (sleep 0.1; kill -USR1 1) & sleep 5 & wait; exit 4")...)
	if out != "got it\n" {
		t.Errorf("got %q", out)
	}
}

func TestLandlockAllowsWhatTheRulesSay(t *testing.T) {
	needRoot(t)
	dir := makeTree(t, "ro/", "rw/", "no/", "ro/f = read", "no/f = secret", "one = x")
	rule := func(p, data string) ns.Step { return ns.Step{Op: ns.OpLandlockPath, Target: p, Data: data} }
	o := confined(ns.Step{Op: ns.OpLandlock, Data: "fs,bind-tcp"}, rule("/usr", "read,execute"), rule("/lib", "read,execute"), rule("/lib64", "read,execute"),
		rule("/bin", "read,execute"), rule(dir+"/ro", "read"), rule(dir+"/rw", "read,write"), rule(dir+"/one", "read,write"),
		ns.Step{Op: ns.OpLandlockPath, Target: "/missing", Data: "read", IfExists: true},
		ns.Step{Op: ns.OpLandlockPort, Target: "8123", Data: "bind-tcp"})
	script := "cd " + dir + `; cat ro/f; echo w >ro/f 2>/dev/null || echo ro; echo w >rw/f && cat rw/f; cat no/f 2>/dev/null || echo hidden; echo y >>one && cat one
		/usr/bin/python3 -c '
import socket
for port in 8123, 8124:
    try: socket.socket().bind(("127.0.0.1", port)); print("bound")
    except OSError as e: print(e.strerror)
' 2>&1`
	if out := output(t, o, sh(script)...); out != "readro\nw\nhidden\nxy\nbound\nPermission denied\n" {
		t.Errorf("got %q", out)
	}
	o = confined(ns.Step{Op: ns.OpLandlock, Data: "fs"}, rule("/missing", "read"))
	if _, stderr, status := newRun(t, o, "true").result(t); status != 125 || !strings.Contains(stderr, "test: allow read to /missing: no such file or directory") {
		t.Errorf("status %d: %s", status, stderr)
	}
}

func TestLimitsHoldForTheCommand(t *testing.T) {
	needRoot(t)
	o := confined(ns.Step{Op: ns.OpRlimit, Target: "nofile", Data: "5:64"}, ns.Step{Op: ns.OpRlimit, Target: "core", Data: "0"},
		ns.Step{Op: ns.OpLandlock, Data: "fs"}, ns.Step{Op: ns.OpLandlockPath, Target: "/", Data: "read,write,execute"})
	if out := output(t, o, sh("ulimit -Sn; ulimit -Hn; ulimit -c")...); out != "5\n64\n0\n" {
		t.Errorf("got %q", out)
	}
}
