// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/nsrun/nsrun/ns"
)

// kinds of the runs that are tested.
var (
	mountOnly = []ns.Kind{ns.Mount}
	withPID   = []ns.Kind{ns.PID, ns.Mount}
)

// everything is what --unmask leaves as it is in tests of other things.
var everything = []string{"all"}

// set returns a setting as it stands on a command line: set("bind", "/a", "/b").
func set(option string, args ...string) ns.Setting {
	return ns.Setting{Option: option, Args: args}
}

// negotiate asks m for its offer, with /work as the caller's directory.
func negotiate(t *testing.T, m mount, kinds []ns.Kind, settings ...ns.Setting) *ns.Offer {
	t.Helper()
	offer, err := m.Negotiate(t.Context(), &ns.Request{
		Owns: mountOnly, Kinds: kinds, Settings: settings, Facts: ns.Facts{Dir: "/work"},
	})
	if err != nil {
		t.Fatal(err)
	}
	return offer
}

// steps returns the steps of an offer that must have no errors.
func steps(t *testing.T, m mount, kinds []ns.Kind, settings ...ns.Setting) []ns.Step {
	t.Helper()
	offer := negotiate(t, m, kinds, settings...)
	if len(offer.Diagnostics) > 0 {
		t.Fatalf("diagnostics: %+v", offer.Diagnostics)
	}
	return offer.Steps
}

// newRoot returns an empty directory to be a root directory.
func newRoot(t *testing.T, dirs ...string) string {
	t.Helper()
	root := t.TempDir()
	for _, dir := range dirs {
		if err := os.Mkdir(filepath.Join(root, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

var (
	private   = ns.Step{Op: ns.OpPropagation, Target: "/", Data: "private"}
	freshProc = ns.Step{Op: ns.OpMount, FSType: "proc", Target: "/proc", Attrs: procAttrs}
	outerProc = ns.Step{Op: ns.OpBind, Source: "/proc", Target: "/proc", Attrs: procAttrs}
	pivot     = ns.Step{Op: ns.OpPivot}
)

func TestOptionsBecomeSteps(t *testing.T) {
	nosuidNodev := []ns.Attr{ns.NoSUID, ns.NoDev}
	tests := []struct {
		setting ns.Setting
		want    ns.Step
	}{
		{set("bind", "/etc", "/mnt"), ns.Step{Op: ns.OpBind, Source: "/etc", Target: "/mnt", Attrs: nosuidNodev}},
		{set("ro-bind", "/etc", "/mnt"), ns.Step{Op: ns.OpBind, Source: "/etc", Target: "/mnt", Attrs: []ns.Attr{ns.ReadOnly, ns.NoSUID, ns.NoDev}}},
		{set("dev-bind", "/dev", "/mnt"), ns.Step{Op: ns.OpBind, Source: "/dev", Target: "/mnt", Attrs: []ns.Attr{ns.NoSUID}}},
		{set("bind-try", "/etc", "/mnt"), ns.Step{Op: ns.OpBind, Source: "/etc", Target: "/mnt", Attrs: nosuidNodev}},
		{set("ro-bind-try", "/etc", "/mnt"), ns.Step{Op: ns.OpBind, Source: "/etc", Target: "/mnt", Attrs: []ns.Attr{ns.ReadOnly, ns.NoSUID, ns.NoDev}}},
		{set("bind", "/etc/passwd", "sub/../file"), ns.Step{Op: ns.OpBind, Source: "/etc/passwd", Target: "/work/file", Attrs: nosuidNodev}},
		{set("tmpfs", "/tmp"), ns.Step{Op: ns.OpMount, FSType: "tmpfs", Target: "/tmp", Attrs: nosuidNodev, Data: "mode=0755"}},
		{set("tmpfs", "/tmp:size=64m,mode=1777"), ns.Step{Op: ns.OpMount, FSType: "tmpfs", Target: "/tmp", Attrs: nosuidNodev, Data: "mode=1777,size=64m"}},
		{set("dir", "/tmp/a/b/"), ns.Step{Op: ns.OpMkdir, Target: "/tmp/a/b"}},
		{set("symlink", "usr/bin", "/bin"), ns.Step{Op: ns.OpSymlink, Target: "/bin", Data: "usr/bin"}},
		{set("symlink", "../x", "link"), ns.Step{Op: ns.OpSymlink, Target: "/work/link", Data: "../x"}},
		{set("file", "3", "a"), ns.Step{Op: ns.OpFile, Source: "fd:3", Target: "/work/a"}},
		{set("ro-bind-data", "fd:12", "/a"), ns.Step{Op: ns.OpFile, Source: "fd:12", Target: "/a"}},
		{set("file", "env:KEY", "/a"), ns.Step{Op: ns.OpFile, Source: "env:KEY", Target: "/a"}},
	}
	for _, tt := range tests {
		t.Run(tt.want.Target+" by "+tt.setting.Option, func(t *testing.T) {
			want := []ns.Step{private, tt.want}
			if diff := cmp.Diff(want, steps(t, mount{}, mountOnly, tt.setting)); diff != "" {
				t.Errorf("steps (-want +got):\n%s", diff)
			}
		})
	}
}

func TestOptionsActInTheOrderGiven(t *testing.T) {
	got := steps(t, mount{}, withPID,
		set("tmpfs", "/mnt"), set("bind", "/etc", "/mnt/etc"), set("dir", "/mnt/d"), set("ro-bind", "/usr", "/mnt/usr"), set("tmpfs", "/mnt/etc"))
	var targets []string
	for _, s := range got {
		targets = append(targets, s.Target)
	}
	want := []string{"/", "/proc", "/mnt", "/mnt/etc", "/mnt/d", "/mnt/usr", "/mnt/etc"}
	if diff := cmp.Diff(want, targets); diff != "" {
		t.Errorf("targets (-want +got):\n%s", diff)
	}
}

func TestProc(t *testing.T) {
	root := newRoot(t)
	tests := []struct {
		name   string
		plugin mount
		kinds  []ns.Kind
		want   []ns.Step
		wants  []ns.Kind
	}{
		{"new with a pid namespace", mount{}, withPID, []ns.Step{freshProc}, nil},
		{"the outer one stays without a pid namespace", mount{}, mountOnly, nil, nil},
		{"the outer one is bound in a rootfs without a pid namespace", mount{Unmask: everything, Rootfs: root}, mountOnly, []ns.Step{outerProc}, nil},
		{"new in a rootfs with a pid namespace", mount{Unmask: everything, Rootfs: root}, withPID, []ns.Step{freshProc}, nil},
		{"fresh asks for a pid namespace", mount{Proc: "fresh"}, mountOnly, []ns.Step{freshProc}, []ns.Kind{ns.PID}},
		{"bind is what is there in the caller's root", mount{Proc: "bind"}, withPID, nil, nil},
		{"bind in a rootfs", mount{Unmask: everything, Proc: "bind", Rootfs: root}, withPID, []ns.Step{outerProc}, nil},
		{"none", mount{Proc: "none"}, withPID, nil, nil},
		{"none in a rootfs", mount{Unmask: everything, Proc: "none", Rootfs: root}, withPID, nil, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			offer := negotiate(t, tt.plugin, tt.kinds, set("dev", "none"))
			var got []ns.Step
			for _, s := range offer.Steps {
				if s.Target == "/proc" {
					got = append(got, s)
				}
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("steps at /proc (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.wants, offer.Wants); diff != "" {
				t.Errorf("wants (-want +got):\n%s", diff)
			}
		})
	}
}

func TestRootfs(t *testing.T) {
	root := newRoot(t)
	rootfs := ns.Step{Op: ns.OpRootfs, Source: root, Attrs: []ns.Attr{ns.NoSUID, ns.NoDev}}
	data := ns.Step{Op: ns.OpBind, Source: "/etc", Target: "/data", Attrs: bindAttrs}

	t.Run("comes before everything and is switched to after everything", func(t *testing.T) {
		want := []ns.Step{private, rootfs, freshProc}
		want = append(want, devSteps("/dev")...)
		want = append(want, data, pivot)
		got := steps(t, mount{Unmask: everything, Rootfs: root}, withPID, set("bind", "/etc", "/data"), set("rootfs", root))
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("steps (-want +got):\n%s", diff)
		}
	})
	t.Run("has no /dev if asked", func(t *testing.T) {
		want := []ns.Step{private, rootfs, freshProc, data, pivot}
		got := steps(t, mount{Unmask: everything, Rootfs: root}, withPID, set("dev", "none"), set("bind", "/etc", "/data"))
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("steps (-want +got):\n%s", diff)
		}
	})
	t.Run("has the user's /dev if there is one", func(t *testing.T) {
		hostDev := ns.Step{Op: ns.OpBind, Source: "/dev", Target: "/dev", Attrs: devBindAttrs}
		want := []ns.Step{private, rootfs, freshProc, hostDev, pivot}
		got := steps(t, mount{Unmask: everything, Rootfs: root}, withPID, set("dev-bind", "/dev", "/dev"))
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("steps (-want +got):\n%s", diff)
		}
	})
}

func TestReadOnlyRootfs(t *testing.T) {
	root := newRoot(t, "proc", "dev")
	got := steps(t, mount{Unmask: everything, Rootfs: root, RORootfs: true}, withPID)
	want := ns.Step{Op: ns.OpRootfs, Source: root, Attrs: []ns.Attr{ns.ReadOnly, ns.NoSUID, ns.NoDev}}
	if diff := cmp.Diff(want, got[1]); diff != "" {
		t.Errorf("rootfs step (-want +got):\n%s", diff)
	}
}

func TestBindOnRootIsARootfs(t *testing.T) {
	got := steps(t, mount{}, withPID, set("ro-bind", "/", "/"), set("tmpfs", "/tmp"))
	want := []ns.Step{private, {Op: ns.OpRootfs, Source: "/", Attrs: roBindAttrs}, freshProc}
	want = append(want, devSteps("/dev")...)
	want = append(want, ns.Step{Op: ns.OpMount, FSType: "tmpfs", Target: "/tmp", Attrs: tmpfsAttrs, Data: "mode=0755"}, pivot)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("steps (-want +got):\n%s", diff)
	}
}

func TestDev(t *testing.T) {
	node := func(name string) ns.Step {
		return ns.Step{Op: ns.OpBind, Source: "/dev/" + name, Target: "/x/" + name, Attrs: []ns.Attr{ns.NoSUID}}
	}
	want := []ns.Step{
		private,
		{Op: ns.OpMount, FSType: "tmpfs", Target: "/x", Attrs: []ns.Attr{ns.NoSUID, ns.StrictTime}, Data: "mode=0755"},
		node("null"), node("zero"), node("full"), node("random"), node("urandom"), node("tty"),
		{Op: ns.OpMount, FSType: "devpts", Target: "/x/pts", Attrs: []ns.Attr{ns.NoSUID, ns.NoExec}, Data: "newinstance,ptmxmode=0666,mode=0620"},
		{Op: ns.OpMount, FSType: "tmpfs", Target: "/x/shm", Attrs: []ns.Attr{ns.NoSUID, ns.NoDev, ns.NoExec}, Data: "mode=1777"},
		{Op: ns.OpMkdir, Target: "/x/mqueue"},
		{Op: ns.OpSymlink, Target: "/x/fd", Data: "/proc/self/fd"},
		{Op: ns.OpSymlink, Target: "/x/stdin", Data: "/proc/self/fd/0"},
		{Op: ns.OpSymlink, Target: "/x/stdout", Data: "/proc/self/fd/1"},
		{Op: ns.OpSymlink, Target: "/x/stderr", Data: "/proc/self/fd/2"},
		{Op: ns.OpSymlink, Target: "/x/core", Data: "/proc/kcore"},
		{Op: ns.OpSymlink, Target: "/x/ptmx", Data: "pts/ptmx"},
	}
	if diff := cmp.Diff(want, steps(t, mount{}, mountOnly, set("dev", "/x"))); diff != "" {
		t.Errorf("steps (-want +got):\n%s", diff)
	}
}

func TestTriedSourceMayBeMissing(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "missing")
	offer := negotiate(t, mount{}, mountOnly, set("bind-try", missing, "/a"), set("ro-bind-try", "/etc", "/b"))
	want := &ns.Offer{
		Kinds:     mountOnly,
		Steps:     []ns.Step{private, {Op: ns.OpBind, Source: "/etc", Target: "/b", Attrs: roBindAttrs}},
		Freshness: &ns.Freshness{Files: []string{missing, "/etc"}},
	}
	if diff := cmp.Diff(want, offer); diff != "" {
		t.Errorf("offer (-want +got):\n%s", diff)
	}
}

func TestErrors(t *testing.T) {
	root, other := newRoot(t), newRoot(t)
	tests := []struct {
		name     string
		plugin   mount
		settings []ns.Setting
		summary  string
		hint     string
	}{
		{"a source that isn't there", mount{}, []ns.Setting{set("bind", "/nope", "/mnt")},
			"--bind /nope /mnt: no such file or directory", "--bind-try /nope /mnt, if it may be missing"},
		{"a source below a file", mount{}, []ns.Setting{set("bind-try", "/etc/passwd/x", "/mnt")},
			"--bind-try /etc/passwd/x /mnt: not a directory", ""},
		{"a rootfs that isn't there", mount{Unmask: everything, Rootfs: "/nope"}, nil,
			"--rootfs /nope: no such file or directory", ""},
		{"a rootfs that is a file", mount{Unmask: everything, Rootfs: "/etc/passwd"}, nil,
			"--rootfs /etc/passwd: not a directory", "a directory, to become the root directory"},
		{"two roots", mount{Unmask: everything, Rootfs: root}, []ns.Setting{set("bind", other, "/")},
			"--bind " + other + " /: " + root + " is the root directory already", "one --rootfs, or one bind on /"},
		{"a root that hides what comes before", mount{}, []ns.Setting{set("tmpfs", "/a"), set("bind", root, "/")},
			"--bind " + root + " /: it would hide /a, which comes before it", "--bind " + root + " / as the first of the options"},
		{"read-only without a rootfs", mount{RORootfs: true}, nil,
			"--ro-rootfs: there is no --rootfs to make read-only", "--ro-root, for a read-only view of the caller's root"},
		{"a read-only root without /proc", mount{Unmask: everything, Rootfs: root, RORootfs: true}, []ns.Setting{set("dev", "none")},
			"proc: the read-only root " + root + " has no directory /proc to mount on", "mkdir " + root + "/proc, or --proc none"},
		{"a tmpfs on the root", mount{}, []ns.Setting{set("tmpfs", "/")},
			"--tmpfs /: that is the root directory", "--rootfs DIR, with an empty directory as DIR"},
		{"a link to nothing", mount{}, []ns.Setting{set("symlink", "", "/a")},
			"--symlink '' /a: the link would point to nothing", "--symlink TARGET LINK"},
		{"a file from no descriptor", mount{}, []ns.Setting{set("file", "/etc/passwd", "/a")},
			`--file /etc/passwd /a: neither the number of a descriptor nor env:VAR: "/etc/passwd"`, "--file 3 /a 3<FILE, or --ro-bind FILE /a"},
		{"a file from a negative descriptor", mount{}, []ns.Setting{set("ro-bind-data", "-1", "/a")},
			`--ro-bind-data -1 /a: neither the number of a descriptor nor env:VAR: "-1"`, "--ro-bind-data 3 /a 3<FILE, or --ro-bind FILE /a"},
		{"an option that tmpfs doesn't have", mount{}, []ns.Setting{set("tmpfs", "/a:ro")},
			`--tmpfs /a:ro: unknown tmpfs option "ro"`, "--tmpfs DST:size=64m,mode=1777, both optional"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			offer := negotiate(t, tt.plugin, withPID, tt.settings...)
			if len(offer.Diagnostics) != 1 {
				t.Fatalf("%d diagnostics, want 1: %+v", len(offer.Diagnostics), offer.Diagnostics)
			}
			d := offer.Diagnostics[0]
			if d.Severity != ns.Error || d.Summary != tt.summary || d.Hint != tt.hint || d.Option == "" {
				t.Errorf("diagnostic = %+v\nwant summary %q\nhint %q", d, tt.summary, tt.hint)
			}
			if offer.Steps != nil || offer.Freshness != nil {
				t.Errorf("a refused run has steps or is kept: %+v", offer)
			}
		})
	}
}

func TestErrorsAreReportedTogether(t *testing.T) {
	offer := negotiate(t, mount{Unmask: everything, Rootfs: "/nope"}, withPID,
		set("bind", "/nope", "/a"), set("tmpfs", "/"), set("tmpfs", "/b:size=big"))
	var got []string
	for _, d := range offer.Diagnostics {
		got = append(got, d.Option)
	}
	if diff := cmp.Diff([]string{"rootfs", "bind", "tmpfs", "tmpfs"}, got); diff != "" {
		t.Errorf("options at fault (-want +got):\n%s", diff)
	}
}
