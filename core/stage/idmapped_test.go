// SPDX-License-Identifier: Apache-2.0

package stage

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/nsrun/nsrun/ns"
)

// wideMap is a map that leaves out the caller.
func wideMap() *ns.IDMap {
	extents := []ns.Extent{{Inside: 0, Outside: 100000, Size: 65536}}
	return &ns.IDMap{UIDs: extents, GIDs: extents}
}

// idMapped is an order for steps in namespaces with that map.
func idMapped(steps ...ns.Step) order {
	return order{Config: Config{Kinds: []ns.Kind{ns.User, ns.Mount}, IDMap: wideMap(), Steps: plan(steps...)}}
}

// ownedTree makes a directory of root's that anybody can come to, with a file of root's
// and one of the user 7, and the directory dst beside it. The base belongs to nobody
// inside.
func ownedTree(t *testing.T) (base string) {
	t.Helper()
	base = makeTree(t, "src/", "src/root = r", "src/seven = s", "dst/")
	for path, mode := range map[string]os.FileMode{"": 0o755, "..": 0o755, "src": 0o755, "src/root": 0o600, "src/seven": 0o600} {
		if err := os.Chmod(filepath.Join(base, path), mode); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chown(filepath.Join(base, "src/seven"), 7, 7); err != nil {
		t.Fatal(err)
	}
	return base
}

// ownerOf returns the user whom a file of the host belongs to.
func ownerOf(t *testing.T, path string) uint32 {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Sys().(*syscall.Stat_t).Uid
}

func TestIDMappedFilesHaveTheIDsThatTheyHaveOnDisk(t *testing.T) {
	needRoot(t)
	unchanged(t)
	base := ownedTree(t)
	o := idMapped(private, bind(base+"/src", base+"/dst", ns.IDMapped))
	out := output(t, o, sh("cd "+base+"; stat -c %u:%g dst/root dst/seven src/root; cat dst/root dst/seven; touch dst/new; chown 9:9 dst/new")...)
	if out != "0:0\n7:7\n65534:65534\nrs" {
		t.Errorf("got %q", out)
	}
	if uid := ownerOf(t, base+"/src/new"); uid != 9 {
		t.Errorf("what 9 has inside belongs to %d", uid)
	}
}

func TestAnIDMappedRootDirectory(t *testing.T) {
	needRoot(t)
	unchanged(t)
	base := ownedTree(t)
	o := idMapped(private, ns.Step{Op: ns.OpRootfs, Source: base, Attrs: []ns.Attr{ns.IDMapped}},
		bind("/usr", "/usr"), bind("/lib", "/lib"), bind("/lib64", "/lib64"), bind("/bin", "/bin"), bind(base+"/src", "/made/here", ns.ReadOnly, ns.IDMapped), pivot)
	out := output(t, o, sh("stat -c %u:%g / /src/seven /made /made/here/seven; touch /new; touch /made/here/new || true")...)
	if out != "0:0\n7:7\n0:0\n7:7\n" {
		t.Errorf("got %q", out)
	}
	if uid := ownerOf(t, base+"/new"); uid != 0 {
		t.Errorf("what root makes inside belongs to %d", uid)
	}
	if _, err := os.Stat(base + "/src/new"); err == nil {
		t.Error("what is read-only can be written to")
	}
}

func TestAnIDMappedSourceMayBeMissing(t *testing.T) {
	needRoot(t)
	base := ownedTree(t)
	missing, found := bind(base+"/gone", base+"/dst", ns.IDMapped), bind(base+"/src", base+"/dst", ns.IDMapped)
	missing.IfExists, found.IfExists = true, true
	// The last one is inside, where the child alone finds out.
	late := missing
	late.Phase = ns.Inside
	o := idMapped(private, missing, found, late)
	if out := output(t, o, sh("stat -c %u "+base+"/dst/seven")...); out != "7\n" {
		t.Errorf("got %q", out)
	}
}

// What a mount has from outside, no command may take off, though it has all
// capabilities in its user namespace.
func TestFlagsOfAnIDMappedMountAreLocked(t *testing.T) {
	needRoot(t)
	base := ownedTree(t)
	o := idMapped(private, bind(base+"/src", base+"/dst", ns.IDMapped))
	script := "cd " + base + "; mount --bind src src; mount -o remount,bind,ro,nosuid src; mkdir -p dst"
	r := newRun(t, o, sh("cd "+base+"; stat -c %u dst/seven; mount -o remount,bind,rw dst; mount -o remount,bind,ro,suid dst; touch dst/new; grep ' "+base+"/dst ' /proc/self/mountinfo")...)
	out, stderr, status := r.prepared(t, script).result(t)
	if status != 0 || !strings.HasPrefix(out, "7\n") || !strings.Contains(out, "/dst ro,nosuid,") || !strings.Contains(out, ",idmapped") {
		t.Errorf("status %d, got %q, %q", status, out, stderr)
	}
	if strings.Count(stderr, "permission denied") != 2 || !strings.Contains(stderr, "Read-only file system") {
		t.Errorf("what was locked could be taken off: %q", stderr)
	}
}

// Nothing is left out: a mount whose ids can't be mapped refuses the run, wherever it is
// in the source, and all such steps are told.
func TestFileSystemsThatDontMapIDs(t *testing.T) {
	needRoot(t)
	base := ownedTree(t)
	o := idMapped(private, bind("/usr", base+"/dst", ns.IDMapped), bind(base+"/src", base+"/dst", ns.IDMapped), bind("/sys", base+"/dst", ns.IDMapped))
	r := newRun(t, o, "true").prepared(t, "cd "+base+"/src; mkdir in; mount -t proc proc in")
	out, stderr, status := r.result(t)
	if status != 125 || out != "" {
		t.Errorf("status %d, got %q", status, out)
	}
	for _, want := range []string{"bind " + base + "/src on " + base + "/dst: invalid argument", "bind /sys on " + base + "/dst: invalid argument"} {
		if !strings.Contains(stderr, want) {
			t.Errorf("got %q, want %q", stderr, want)
		}
	}
	if strings.Contains(stderr, "bind /usr") {
		t.Errorf("got %q", stderr)
	}
}

func TestOnlyWhoHasTheFileSystemMapsItsIDs(t *testing.T) {
	needRoot(t)
	base := ownedTree(t)
	o := idMapped(private, bind(base+"/src", base+"/dst", ns.IDMapped))
	o.IDMap = &ns.IDMap{UIDs: []ns.Extent{{Outside: 65534, Size: 1}}, GIDs: []ns.Extent{{Outside: 65534, Size: 1}}, DenySetgroups: true}
	r := newRun(t, o, "true")
	asNobody(t, r)
	if _, stderr, status := r.result(t); status != 125 || !strings.Contains(stderr, "bind "+base+"/src on "+base+"/dst: operation not permitted") {
		t.Errorf("status %d, %q", status, stderr)
	}
}

// A source is found as the caller finds it, though the ids of the run may not be let into
// the directories above.
func TestSourcesAreFoundByTheCaller(t *testing.T) {
	needRoot(t)
	base := ownedTree(t)
	if err := os.Rename(base+"/src", base+"/dst/src"); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(base+"/dst", 0o700); err != nil {
		t.Fatal(err)
	}
	for name, step := range map[string]ns.Step{
		"bind": bind(base+"/dst/src", "/mnt"), "idmapped": bind(base+"/dst/src", "/mnt", ns.IDMapped),
	} {
		if out := output(t, idMapped(private, step), "ls", "/mnt"); out != "root\nseven\n" {
			t.Errorf("%s: got %q", name, out)
		}
	}
	root := ns.Step{Op: ns.OpRootfs, Source: base + "/dst/src", Attrs: []ns.Attr{ns.IDMapped}}
	o := idMapped(private, root, bind("/usr", "/usr"), bind("/lib", "/lib"), bind("/lib64", "/lib64"), bind("/bin", "/bin"), pivot)
	if out := output(t, o, "ls", "/"); !strings.Contains(out, "seven\n") {
		t.Errorf("got %q", out)
	}
}
