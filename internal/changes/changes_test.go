// SPDX-License-Identifier: Apache-2.0

package changes

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// made is a directory that an overlay was made of, and what it kept. It needs
// root, for whiteouts and attributes.
func made(t *testing.T) (lower, kept string) {
	t.Helper()
	if os.Getuid() != 0 {
		if os.Getenv("NSRUN_TEST_MUST_WORK") == "1" {
			t.Fatal("needs root")
		}
		t.Skip("needs root, for whiteouts")
	}
	dir := t.TempDir()
	lower, kept = filepath.Join(dir, "lower"), filepath.Join(dir, "changes")
	script := `umask 022
mkdir -p lower/{same,gone,opaque,mode,todir} changes/{upper,work/work} outside
echo old | tee lower/{same/f,gone/f,opaque/{a,b},mode/f,edited,deleted,tofile}
echo safe >outside/f
cd changes/upper
mkdir same opaque mode new todir2
rm -r ../../lower/todir; echo x >../../lower/todir; mkdir todir; echo in >todir/f
mkdir ../../lower/tolink; ln -s ../../outside tolink
echo new >edited; chown 7:8 edited; chmod 4755 edited; touch -d 2001-01-01 edited
echo more >same/g
echo b >opaque/b
chmod 700 mode
echo n >new/n; ln -s n new/link; mkfifo new/pipe
mknod deleted c 0 0; mknod gone c 0 0`
	cmd := exec.Command("bash", "-euc", script)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	set(t, filepath.Join(kept, "upper/opaque"), "trusted.overlay.opaque", "y")
	set(t, filepath.Join(kept, "upper/edited"), "user.note", "kept")
	set(t, filepath.Join(kept, "upper/edited"), "trusted.overlay.origin", "x")
	return lower, kept
}

func set(t *testing.T, path, name, value string) {
	t.Helper()
	if err := unix.Lsetxattr(path, name, []byte(value), 0); err != nil {
		t.Fatalf("%s of %s: %v", name, path, err)
	}
}

func open(t *testing.T, lower, kept string) *Set {
	t.Helper()
	s, err := Open(lower, kept)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func TestList(t *testing.T) {
	lower, kept := made(t)
	list, err := open(t, lower, kept).List()
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, c := range list {
		got = append(got, string(c.Kind)+" "+c.Path)
	}
	want := strings.Split("D deleted,C edited,D gone,C mode,A new,A new/link,A new/n,A new/pipe,D opaque/a,C opaque/b,A same/g,C todir,A todir/f,A todir2,C tolink", ",")
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestKeep(t *testing.T) {
	lower, kept := made(t)
	if err := open(t, lower, kept).Keep(); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("bash", "-c", `cd `+lower+`; find . -printf '%P %y %m\n' | LC_ALL=C sort; cat edited same/f same/g opaque/b todir/f; stat -c '%u:%g %Y' edited; readlink new/link tolink; cat ../outside/f; ls ../changes`).CombinedOutput()
	if err != nil {
		t.Fatal(err)
	}
	want := ` d 755
edited f 4755
mode d 700
mode/f f 644
new d 755
new/link l 777
new/n f 644
new/pipe p 644
opaque d 755
opaque/b f 644
same d 755
same/f f 644
same/g f 644
todir d 755
todir/f f 644
todir2 d 755
tofile f 644
tolink l 777
new
old
more
b
in
7:8 978307200
n
../../outside
safe
`
	if diff := cmp.Diff(want, string(out)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	value := make([]byte, 16)
	n, err := unix.Lgetxattr(filepath.Join(lower, "edited"), "user.note", value)
	if err != nil || string(value[:n]) != "kept" {
		t.Errorf("the attribute is %q, %v", value[:max(n, 0)], err)
	}
	if _, err := unix.Lgetxattr(filepath.Join(lower, "edited"), "trusted.overlay.origin", value); err == nil {
		t.Error("overlayfs's attribute is kept")
	}
}

// TestLinksOfTheCommandLeadNowhere has links stand where directories are written to.
func TestLinksOfTheCommandLeadNowhere(t *testing.T) {
	lower, kept := made(t)
	outside := filepath.Join(filepath.Dir(lower), "outside")
	if err := os.RemoveAll(filepath.Join(lower, "same")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(outside, filepath.Join(lower, "same")); err != nil { // LOWER is its owner's to change
		t.Fatal(err)
	}
	if err := open(t, lower, kept).Keep(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Lstat(filepath.Join(outside, "g")); err == nil {
		t.Error("a file was written outside")
	}
}

func TestWhatRefersElsewhereIsRefusedBeforeAnythingIsDone(t *testing.T) {
	lower, kept := made(t)
	set(t, filepath.Join(kept, "upper/todir2"), "trusted.overlay.redirect", "/same")
	err := open(t, lower, kept).Keep()
	if err == nil || !strings.Contains(err.Error(), "todir2 refers to another file") {
		t.Errorf("said %v", err)
	}
	if _, err := os.Lstat(filepath.Join(lower, "deleted")); err != nil {
		t.Error("something was done")
	}
}

func TestDiscard(t *testing.T) {
	lower, kept := made(t)
	if err := Discard(kept); err != nil {
		t.Fatal(err)
	}
	if left, _ := os.ReadDir(kept); len(left) > 0 {
		t.Errorf("left %v", left)
	}
	if text, _ := os.ReadFile(filepath.Join(lower, "edited")); string(text) != "old\n" {
		t.Errorf("the directory itself: %q", text)
	}
	if err := Discard(kept); err == nil || !strings.Contains(err.Error(), "open the changes in "+kept) {
		t.Errorf("a second time: %v", err)
	}
}
