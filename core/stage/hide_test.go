// SPDX-License-Identifier: Apache-2.0

package stage

import (
	"os"
	"strings"
	"testing"

	"github.com/nsrun/nsrun/ns"
)

func overlayOf(lower, target, changes string) ns.Step {
	return ns.Step{Op: ns.OpOverlay, Source: lower, Target: target, Data: changes}
}

func TestAnOverlayKeepsChangesAway(t *testing.T) {
	needRoot(t)
	unchanged(t)
	dir := makeTree(t, "low:er, x/", "low:er, x/f = old", "dst/", "changes/")
	lower := dir + "/low:er, x"
	for name, changes := range map[string]string{"in memory": "", "in a directory": dir + "/changes"} {
		t.Run(name, func(t *testing.T) {
			o := mounts(private, overlayOf(lower, dir+"/dst", changes), bind("/usr", dir+"/dst/sub/usr"))
			out := output(t, o, sh("cd "+dir+"/dst; cat f; echo new >f; cat f; ls sub/usr/bin/env; pwd; grep -c 'tmpfs tmpfs' /proc/self/mountinfo")...)
			if want := "oldnew\nsub/usr/bin/env\n" + dir + "/dst\n"; !strings.HasPrefix(out, want) {
				t.Errorf("got %q, want %q", out, want)
			}
			if got := list(t, lower); got != "f=old" {
				t.Errorf("the lower directory has %s", got)
			}
		})
	}
	if got, _ := os.ReadFile(dir + "/changes/upper/f"); string(got) != "new\n" {
		t.Errorf("the upper directory has %q", got)
	}
}

func TestAnOverlayOfAnOrdinaryUser(t *testing.T) {
	needRoot(t)
	dir := makeTree(t, "lower/", "lower/f = old", "lower/d/", "lower/d/x = old")
	for d := dir; len(d) > len("/tmp"); d = d[:strings.LastIndex(d, "/")] {
		if err := os.Chmod(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"", "/f", "/d", "/d/x"} {
		if err := os.Chown(dir+"/lower"+name, 65534, 65534); err != nil {
			t.Fatal(err)
		}
	}
	o := order{Config: Config{
		Kinds: []ns.Kind{ns.User, ns.Mount},
		IDMap: &ns.IDMap{UIDs: []ns.Extent{{Outside: 65534, Size: 1}}, GIDs: []ns.Extent{{Outside: 65534, Size: 1}}, DenySetgroups: true},
		Steps: plan(private, overlayOf(dir+"/lower", "/mnt", "")),
	}}
	r := newRun(t, o, sh("cd /mnt; rm f; echo new >f; cat f; touch g; rm -r d; mkdir d; ls . d")...)
	asNobody(t, r)
	if out, stderr, status := r.result(t); out != "new\n.:\nd\nf\ng\n\nd:\n" {
		t.Errorf("status %d, %q, %s", status, out, stderr)
	}
	if got := list(t, dir); got != "lower lower/d lower/d/x=old lower/f=old" {
		t.Errorf("the lower directory has %s", got)
	}
}

func TestMasksHideFilesAndDirectories(t *testing.T) {
	needRoot(t)
	unchanged(t)
	_, steps := newRoot(t, "secret/", "secret/key = x", "file = text", "tree/", "tree/f = kept", "null -> /file")
	mask := func(p string) ns.Step { return ns.Step{Op: ns.OpMask, Target: p, IfExists: true} }
	steps = append(steps, mask("/missing"), mask("/secret"), mask("/null"), mask("/proc/meminfo"), mask("/proc/missing"),
		ns.Step{Op: ns.OpRemount, Target: "/tree", Attrs: []ns.Attr{ns.ReadOnly}}, ns.Step{Op: ns.OpRemount, Target: "/proc/sys", Attrs: []ns.Attr{ns.ReadOnly}}, pivot)
	script := `ls -A /secret; wc -c </file; wc -c </proc/meminfo; touch /secret/x /tree/f 2>&1 | grep -c Read-only; (echo 1 >/file) 2>&1 | grep -c Read-only
		cat /tree/f; (echo x >/proc/sys/kernel/domainname) 2>&1 | grep -c Read-only; grep -c . /proc/self/mountinfo`
	out := output(t, mounts(steps...), sh(script)...)
	if !strings.HasPrefix(out, "0\n0\n2\n1\nkept1\n") {
		t.Errorf("got %q", out)
	}
}

// Without clones of trees that aren't attached, as before Linux 6.15.
func TestMasksOnAnOlderKernel(t *testing.T) {
	needRoot(t)
	unchanged(t)
	_, steps := newRoot(t, "a/", "a/x = 1", "b = text")
	steps = append(steps, ns.Step{Op: ns.OpMask, Target: "/a"}, ns.Step{Op: ns.OpMask, Target: "/b"}, pivot)
	r := newRun(t, mounts(steps...), sh("ls /a; wc -c </b; grep -c ' / / ' /proc/self/mountinfo")...)
	// The first open_tree of the child's is the root's, then /usr's; the third is the probe.
	out, stderr, _ := r.injected(t, "open_tree:error=EINVAL:when=3").result(t)
	if !strings.HasPrefix(out, "0\n") {
		t.Errorf("got %q %s", out, stderr)
	}
}
