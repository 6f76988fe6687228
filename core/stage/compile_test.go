// SPDX-License-Identifier: Apache-2.0

package stage

import (
	"errors"
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/nsrun/nsrun/ns"
	"golang.org/x/sys/unix"
)

var update = flag.Bool("update", false, "write the golden files anew")

// fakeHost is a host with certain files: names that end in a slash are directories.
type fakeHost struct{ files []string }

func (h fakeHost) Stat(path string) (fs.FileInfo, error) {
	for _, f := range h.files {
		if strings.TrimSuffix(f, "/") == path || f == path {
			return fakeInfo(f), nil
		}
	}
	return nil, &fs.PathError{Op: "stat", Path: path, Err: unix.ENOENT}
}

func (h fakeHost) Lstat(path string) (fs.FileInfo, error) {
	if path == "/etc/dangling" {
		return fakeInfo(path), nil
	}
	return h.Stat(path)
}

func (h fakeHost) Readlink(string) (string, error) { return "../somewhere", nil }

func (h fakeHost) ReadDir(path string) (entries []fs.DirEntry, err error) {
	for _, f := range h.files {
		if filepath.Dir(strings.TrimSuffix(f, "/")) == path && f != path+"/" {
			entries = append(entries, fs.FileInfoToDirEntry(fakeInfo(f)))
		}
	}
	return entries, nil
}

func (fakeHost) IDs() (uid, gid int)            { return 1000, 1000 }
func (fakeHost) OpenFiles() (unix.Rlimit, bool) { return unix.Rlimit{Cur: 1024, Max: 4096}, true }
func (fakeHost) LandlockABI() int               { return 5 }
func (fakeHost) Capabilities() CapabilitySets {
	return CapabilitySets{Effective: 1<<41 - 1, Permitted: 1<<41 - 1}
}

type fakeInfo string

func (i fakeInfo) Name() string       { return filepath.Base(string(i)) }
func (i fakeInfo) Size() int64        { return 0 }
func (i fakeInfo) Mode() fs.FileMode  { return 0o755 }
func (i fakeInfo) ModTime() time.Time { return time.Time{} }
func (i fakeInfo) IsDir() bool        { return strings.HasSuffix(string(i), "/") }
func (i fakeInfo) Sys() any           { return nil }

var host = fakeHost{[]string{"/", "/proc/", "/tmp/", "/usr/", "/etc/", "/etc/hosts", "/srv/root/", "/dev/null", "/mnt/"}}

var (
	private = ns.Step{Op: ns.OpPropagation, Target: "/", Data: "private"}
	proc    = ns.Step{Op: ns.OpMount, FSType: "proc", Target: "/proc", Attrs: []ns.Attr{ns.NoSUID, ns.NoDev, ns.NoExec}}
	tmp     = ns.Step{Op: ns.OpMount, FSType: "tmpfs", Target: "/tmp", Data: "size=1m,mode=1777"}
	pivot   = ns.Step{Op: ns.OpPivot}
)

func rootfs(dir string) ns.Step { return ns.Step{Op: ns.OpRootfs, Source: dir} }

func bind(source, target string, attrs ...ns.Attr) ns.Step {
	return ns.Step{Op: ns.OpBind, Source: source, Target: target, Attrs: attrs}
}

var allKinds = []ns.Kind{ns.PID, ns.IPC, ns.UTS, ns.Net, ns.Mount}

// compiled are the plans whose programs are in testdata.
var compiled = map[string]Config{
	"nothing": {},
	"proc":    {Kinds: allKinds, Cwd: "/home/u", Steps: plan(private, proc, ns.Step{Op: ns.OpInit})},
	"rootfs": {Kinds: allKinds, Cwd: "/srv", Steps: plan(
		private, rootfs("/srv/root"), bind("/usr", "/usr", ns.ReadOnly), bind("/dev/null", "/dev/null"),
		ns.Step{Op: ns.OpFile, Target: "/etc/resolv.conf", Data: "nameserver 10.0.0.1\n"}, pivot,
		ns.Step{Op: ns.OpMount, FSType: "mqueue", Target: "/dev/mqueue", Phase: ns.Inside},
	)},
	"tmpfs": {Kinds: allKinds, Steps: plan(
		tmp, bind("/usr", "/tmp/a/b", ns.NoAtime), ns.Step{Op: ns.OpMkdir, Target: "/tmp/x/y", Mode: 0o700},
		ns.Step{Op: ns.OpSymlink, Target: "/tmp/fd", Data: "/proc/self/fd"},
	)},
	"names": {Kinds: allKinds, Steps: plan(
		ns.Step{Op: ns.OpHostname, Data: "box"}, ns.Step{Op: ns.OpDomainname, Data: "lan"},
		ns.Step{Op: ns.OpLinkUp, Target: "lo"}, ns.Step{Op: ns.OpSysctl, Target: "net.ipv4.ip_forward", Data: "1"},
	)},
	"hooks added steps": {Kinds: allKinds, Steps: plan(
		rootfs("/srv/root"), pivot, proc, ns.Step{Op: ns.OpHostname, Data: "late"},
	)},
	"confined": {Kinds: allKinds, Steps: plan(
		ns.Step{Op: ns.OpInit}, ns.Step{Op: ns.OpRlimit, Target: "nofile", Data: "64:128"},
		ns.Step{Op: ns.OpCaps, Data: "chown,+net_bind_service"}, ns.Step{Op: ns.OpLandlock, Data: "fs,bind-tcp"},
		ns.Step{Op: ns.OpLandlockPath, Target: "/usr", Data: "read,execute"},
		ns.Step{Op: ns.OpLandlockPath, Target: "/missing", Data: "read,write", IfExists: true},
		ns.Step{Op: ns.OpLandlockPort, Target: "80", Data: "bind-tcp"},
		ns.Step{Op: ns.OpSeccomp, Data: ns.EncodeFilter([]ns.FilterInstr{{Code: 6, K: 0x7fff0000}}, true)},
	), Command: Command{User: &Credential{UID: 33, GID: 33}, NoNewPrivs: true}},
	"hidden": {Kinds: allKinds, Steps: plan(
		private, rootfs("/srv/root"), proc, ns.Step{Op: ns.OpOverlay, Source: "/usr", Target: "/usr"},
		ns.Step{Op: ns.OpOverlay, Source: "/etc", Target: "/etc", Data: "/mnt"},
		ns.Step{Op: ns.OpMask, Target: "/proc/kcore", IfExists: true}, ns.Step{Op: ns.OpMask, Target: "/proc/acpi"},
		ns.Step{Op: ns.OpRemount, Target: "/proc/sys", Attrs: []ns.Attr{ns.ReadOnly}}, pivot,
	)},
	"idmapped": {
		Kinds: []ns.Kind{ns.User, ns.Mount}, IDMap: wideMap(),
		Steps: plan(private, ns.Step{Op: ns.OpRootfs, Source: "/srv/root", Attrs: []ns.Attr{ns.IDMapped}},
			bind("/usr", "/usr", ns.ReadOnly, ns.IDMapped), ns.Step{Op: ns.OpBind, Source: "/etc", Target: "/etc", Attrs: []ns.Attr{ns.IDMapped}, IfExists: true}, pivot),
	},
	"joining": {Kinds: allKinds, Join: 9, Cwd: "/home/u", Steps: plan(ns.Step{Op: ns.OpCaps, Data: strings.Join(ns.Capabilities()[1:], ",")})},
	"left out": {Kinds: allKinds, Steps: plan(
		ns.Step{Op: ns.OpBind, Source: "/missing", Target: "/mnt", IfExists: true},
		ns.Step{Op: ns.OpBind, Source: "/usr", Target: "/missing", IfExists: true},
		ns.Step{Op: ns.OpBind, Source: "/usr", Target: "/mnt", IfExists: true},
	)},
	"ids": {
		Kinds: []ns.Kind{ns.User},
		IDMap: wideMap(),
		Command: Command{
			User: &Credential{UID: 33, GID: 34, Groups: []uint32{35, 36}}, NoNewPrivs: true, Dir: "/var/www",
			Path: "/opt/bin::/bin",
		},
	},
}

func TestCompilePrintsTheCallsThatTheChildMakes(t *testing.T) {
	for name, cfg := range compiled {
		t.Run(name, func(t *testing.T) {
			cfg.Host = host
			cfg.Command.Argv = []string{"true", "-x"}
			cfg.Command.Env = []string{"PATH=/usr/bin:/bin", "A=b"}
			prog, err := Compile(cfg)
			if err != nil {
				t.Fatal(err)
			}
			golden(t, name, prog.String())
		})
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", strings.ReplaceAll(name, " ", "-")+".txt")
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", file, diff)
	}
}

func TestCompileIsDeterministic(t *testing.T) {
	cfg := Config{Host: host, Kinds: allKinds, Steps: plan(private, tmp, proc), Command: Command{Argv: []string{"true"}}}
	first, err := Compile(cfg)
	if err != nil {
		t.Fatal(err)
	}
	for range 20 {
		again, _ := Compile(cfg)
		if again.String() != first.String() {
			t.Fatal("two programs from one configuration")
		}
	}
}

func TestCompileRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		kinds []ns.Kind
		steps []ns.Step
		want  string
	}{
		"a hostname in the host's namespace":    {[]ns.Kind{ns.Mount}, []ns.Step{{Op: ns.OpHostname, Data: "x"}}, `set the hostname to "x": the run has no uts namespace of its own`},
		"a mount in the host's namespace":       {[]ns.Kind{ns.UTS}, []ns.Step{proc}, "mount proc on /proc: the run has no mount namespace of its own"},
		"a sysctl of the whole host":            {allKinds, []ns.Step{{Op: ns.OpSysctl, Target: "kernel.panic", Data: "1"}}, `set the sysctl kernel.panic to "1": the key belongs to no namespace`},
		"a sysctl without its namespace":        {[]ns.Kind{ns.UTS}, []ns.Step{{Op: ns.OpSysctl, Target: "net.core.somaxconn", Data: "1"}}, `set the sysctl net.core.somaxconn to "1": the run has no net namespace of its own`},
		"an unknown step":                       {allKinds, []ns.Step{{Op: "run-shell"}}, `unknown step "run-shell"`},
		"an unknown kind":                       {[]ns.Kind{"moon"}, nil, `unknown kind of namespace "moon"`},
		"an init without a PID namespace":       {[]ns.Kind{ns.UTS}, []ns.Step{{Op: ns.OpInit}}, "start an init: the run has no pid namespace of its own"},
		"a mount point on the host":             {allKinds, []ns.Step{bind("/usr", "/missing")}, "bind /usr on /missing: no such file or directory"},
		"a mount point below a bound directory": {allKinds, []ns.Step{bind("/usr", "/missing/x")}, "bind /usr on /missing/x: no such file or directory"},
		"a directory on a file":                 {allKinds, []ns.Step{bind("/usr", "/etc/hosts")}, "bind /usr on /etc/hosts: /etc/hosts is not a directory"},
		"a file on a directory":                 {allKinds, []ns.Step{bind("/etc/hosts", "/usr")}, "bind /etc/hosts on /usr: /usr is a directory"},
		"a missing source":                      {allKinds, []ns.Step{bind("/missing", "/mnt")}, "bind /missing on /mnt: no such file or directory"},
		"a missing root":                        {allKinds, []ns.Step{rootfs("/missing"), pivot}, "use /missing as the root: no such file or directory"},
		"a root that is a file":                 {allKinds, []ns.Step{rootfs("/etc/hosts"), pivot}, "use /etc/hosts as the root: not a directory"},
		"a root without the switch to it":       {allKinds, []ns.Step{rootfs("/srv/root")}, `the steps "rootfs" and "pivot" must come together`},
		"a switch without a root":               {allKinds, []ns.Step{pivot}, `the steps "rootfs" and "pivot" must come together`},
		"two roots":                             {allKinds, []ns.Step{rootfs("/srv/root"), rootfs("/usr"), pivot}, "there are 2 root directories; a run has one"},
		"a symlink on the host":                 {allKinds, []ns.Step{{Op: ns.OpSymlink, Target: "/etc/x", Data: "y"}}, "link /etc/x to y: operation not permitted"},
		"a relative target":                     {allKinds, []ns.Step{bind("/usr", "mnt")}, `bind /usr on mnt: the target "mnt" is not an absolute path`},
		"a target that goes up":                 {allKinds, []ns.Step{bind("/usr", "/mnt/../etc")}, `bind /usr on /mnt/../etc: the target "/mnt/../etc" is not a clean path; use "/etc"`},
		"the root as a target":                  {allKinds, []ns.Step{bind("/usr", "/")}, "bind /usr on /: the target is the root itself"},
		"an unknown attribute":                  {allKinds, []ns.Step{bind("/usr", "/mnt", "suid")}, `bind /usr on /mnt: unknown mount attribute "suid"`},
		"ids without a map for them":            {allKinds, []ns.Step{bind("/usr", "/mnt", ns.IDMapped)}, "bind /usr on /mnt: the run has no user namespace whose ids the mount could have"},
		"ids of what isn't bound":               {allKinds, []ns.Step{{Op: ns.OpRemount, Target: "/mnt", Attrs: []ns.Attr{ns.IDMapped}}}, "make /mnt idmap: only binds and root directories can be idmapped"},
		"an unknown propagation":                {allKinds, []ns.Step{{Op: ns.OpPropagation, Target: "/", Data: "loud"}}, "make the mounts below / loud: unknown propagation"},
		"a hostname that is too long":           {allKinds, []ns.Step{{Op: ns.OpHostname, Data: strings.Repeat("x", 65)}}, `set the hostname to "` + strings.Repeat("x", 65) + `": longer than 64 bytes`},
		"an unknown limit":                      {nil, []ns.Step{{Op: ns.OpRlimit, Target: "moon", Data: "1"}}, "limit moon to 1: no such limit"},
		"an unknown capability":                 {nil, []ns.Step{{Op: ns.OpCaps, Data: "fly"}}, `keep the capabilities "fly": not a capability: "fly"`},
		"a filter that is none":                 {nil, []ns.Step{{Op: ns.OpSeccomp, Data: "AAAA"}}, "filter system calls: filter of 3 bytes: 1 to 4096 instructions of 8 bytes are the limit"},
		"a rule without a ruleset":              {nil, []ns.Step{{Op: ns.OpLandlockPath, Target: "/", Data: "read"}}, `landlock rules without the step "landlock"`},
		"what this kernel's landlock can't":     {nil, []ns.Step{{Op: ns.OpLandlock, Data: "fs,signal"}}, "restrict signal by landlock: the kernel can't"},
		"an overlay of a file":                  {allKinds, []ns.Step{{Op: ns.OpOverlay, Source: "/etc/hosts", Target: "/mnt"}}, "lay an overlay of /etc/hosts over /mnt: /etc/hosts is not a directory"},
		"a null byte in a path":                 {allKinds, []ns.Step{bind("/usr", "/mnt/\x00")}, "bind /usr on /mnt/\x00: a null byte"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Compile(Config{Host: host, Kinds: c.kinds, Steps: plan(c.steps...), Command: Command{Argv: []string{"true"}}})
			if err == nil {
				t.Fatal("compiled")
			}
			if got := strings.TrimPrefix(strings.Split(err.Error(), "\n")[0], "test: "); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
			var d *ns.Diagnostic
			if !errors.As(err, &d) {
				t.Errorf("%T is not a diagnostic", err)
			}
		})
	}
}

func TestAJoiningProcessChangesNothingForOthers(t *testing.T) {
	_, err := Compile(Config{Host: host, Kinds: allKinds, Join: 9, Steps: plan(tmp), Command: Command{Argv: []string{"true"}}})
	if err == nil || !strings.Contains(err.Error(), "mount tmpfs on /tmp: not for a process that joins a run") {
		t.Errorf("got %v", err)
	}
}

func TestCompileReportsAllProblemsAtOnce(t *testing.T) {
	_, err := Compile(Config{Host: host, Kinds: []ns.Kind{ns.Mount}, Steps: plan(
		ns.Step{Op: ns.OpHostname, Data: "x"}, bind("/missing", "relative"), ns.Step{Op: ns.OpInit},
	)})
	if err == nil {
		t.Fatal("compiled")
	}
	if got := strings.Count(err.Error(), "\n") + 1; got != 4 {
		t.Errorf("%d problems, want 4:\n%v", got, err)
	}
}

func TestCompileNamesTheFlagThatAllowsAMountPoint(t *testing.T) {
	_, err := Compile(Config{Host: host, Kinds: allKinds, Steps: plan(bind("/usr", "/missing")), Command: Command{Argv: []string{"x"}}})
	var d *ns.Diagnostic
	if !errors.As(err, &d) || !strings.Contains(d.Hint, "--tmpfs") || d.Plugin != "test" {
		t.Errorf("got %+v", d)
	}
}

func TestTreeFindsTheMountThatAPathLiesIn(t *testing.T) {
	var tr tree
	tr.add(mounted{target: "/a", ours: 1})
	tr.add(mounted{target: "/a/b", ours: 2})
	tr.add(mounted{target: "/c/d", ours: 3})
	tr.add(mounted{target: "/c", ours: 4})
	for path, want := range map[string]uint16{"/a": 1, "/a/x": 1, "/ab": 0, "/a/b": 2, "/a/b/c": 2, "/c/d/e": 4, "/": 0} {
		if got := tr.at(path); uint16(got.ours) != want {
			t.Errorf("%s lies in %+v, want mount %d", path, got, want)
		}
	}
}

func TestSplitOptions(t *testing.T) {
	for data, want := range map[string][]string{
		"":                {},
		"a":               {"a"},
		"size=1m,mode=7":  {"size=1m", "mode=7"},
		`lower=a\,b,ro`:   {"lower=a,b", "ro"},
		`lower=a\\:b,x=1`: {`lower=a\\:b`, "x=1"},
	} {
		if diff := cmp.Diff(want, append([]string{}, splitOptions(data)...)); diff != "" {
			t.Errorf("%q: %s", data, diff)
		}
	}
}
