// SPDX-License-Identifier: Apache-2.0

package main

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/nsrun/nsrun/ns"
)

func TestCutIDMap(t *testing.T) {
	for _, tt := range []struct {
		arg, path string
		asked     bool
	}{
		{"/a", "/a", false},
		{"/a:idmap", "/a", true},
		{"/a:b", "/a:b", false},
		{"/a:b:", "/a:b:", false},
		{"/a:b:idmap", "/a:b", true},
		{"/a:idmap/b", "/a:idmap/b", false},
		{"/a:idmap:", "/a:idmap", false},
		{"/a:idmap::", "/a:idmap:", false},
		{"/a:idmap::idmap", "/a:idmap", true},
		{"/:idmap", "/", true},
		{":idmap", "", true},
	} {
		if path, asked := cutIDMap(tt.arg); path != tt.path || asked != tt.asked {
			t.Errorf("cutIDMap(%q) = %q, %v, want %q, %v", tt.arg, path, asked, tt.path, tt.asked)
		}
	}
}

// userAndMount are the kinds of runs in which ids can be mapped.
var userAndMount = []ns.Kind{ns.User, ns.Mount}

func TestIDMappedBinds(t *testing.T) {
	for option, attrs := range map[string][]ns.Attr{
		"bind": bindAttrs, "bind-try": bindAttrs, "ro-bind": roBindAttrs, "ro-bind-try": roBindAttrs, "dev-bind": devBindAttrs,
	} {
		want := []ns.Step{private, {Op: ns.OpBind, Source: "/etc", Target: "/work/mnt", Attrs: append(attrs[:len(attrs):len(attrs)], ns.IDMapped)}}
		if diff := cmp.Diff(want, steps(t, mount{}, userAndMount, set(option, "/etc", "mnt:idmap"))); diff != "" {
			t.Errorf("--%s: steps (-want +got):\n%s", option, diff)
		}
	}
	if len(bindAttrs) != 2 {
		t.Errorf("all binds are idmapped now: %v", bindAttrs)
	}
}

func TestIDMappedRoot(t *testing.T) {
	root := newRoot(t)
	want := ns.Step{Op: ns.OpRootfs, Source: root, Attrs: []ns.Attr{ns.NoSUID, ns.NoDev, ns.IDMapped}}
	for name, got := range map[string][]ns.Step{
		"--rootfs":  steps(t, mount{Rootfs: root + ":idmap"}, userAndMount),
		"--bind, /": steps(t, mount{}, userAndMount, set("bind", root, "/:idmap")),
	} {
		if diff := cmp.Diff(want, got[1]); diff != "" {
			t.Errorf("%s: step (-want +got):\n%s", name, diff)
		}
	}
}

// All that is wrong is told, with the option that it is about.
func TestWhatCantBeIDMapped(t *testing.T) {
	const noUser = "the run has no user namespace whose ids the files could have"
	const noRoot = "only root can: it takes CAP_SYS_ADMIN where the file system was mounted, and a user namespace doesn't give that"
	settings := []ns.Setting{set("bind", "/etc", "/mnt:idmap"), set("ro-bind", "/nope", "/mnt:idmap"), set("bind", "/etc", "/work/:idmap"), set("bind", "/etc", "/mnt")}
	for uid, kinds := range map[int][]ns.Kind{0: mountOnly, 1000: userAndMount} {
		why := map[int]string{0: noUser, 1000: noRoot}[uid]
		plugin := mount{Rootfs: "/usr:idmap"}
		offer, err := plugin.Negotiate(t.Context(), &ns.Request{Owns: mountOnly, Kinds: kinds, Settings: settings, Facts: ns.Facts{Dir: "/work", UID: uid}})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, d := range offer.Diagnostics {
			got = append(got, d.Summary)
		}
		want := []string{
			"--rootfs /usr:idmap: " + why, "--bind /etc /mnt:idmap: " + why, "--ro-bind /nope /mnt:idmap: " + why, "--ro-bind /nope /mnt:idmap: no such file or directory",
			"--bind /etc /work/:idmap: the path before :idmap is missing",
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("as user %d (-want +got):\n%s", uid, diff)
		}
	}
}
