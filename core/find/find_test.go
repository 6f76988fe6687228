// SPDX-License-Identifier: Apache-2.0

package find

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/nsrun/nsrun/ns"
)

// trustedDir returns a new directory that passes the rules of trust, which one
// below a world-writable /tmp doesn't.
func trustedDir(t *testing.T) string {
	t.Helper()
	home, err := os.UserHomeDir()
	if err != nil {
		cannotRun(t, "no home directory: "+err.Error())
	}
	dir, err := os.MkdirTemp(home, "nsrun-find-")
	if err != nil {
		cannotRun(t, err.Error())
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	trust := trustOf(os.Geteuid())
	defer trust.been.close()
	_, _, _, err = trust.been.walk(filepath.Join(dir, "none"), trust.dir)
	if r, ok := errors.AsType[*refusal](err); ok {
		cannotRun(t, "home directory isn't trusted: "+r.reason)
	}
	return dir
}

// cannotRun skips the test, or fails it where every test must work.
func cannotRun(t *testing.T, reason string) {
	t.Helper()
	if os.Getenv("NSRUN_TEST_MUST_WORK") == "1" {
		t.Fatal(reason)
	}
	t.Skip(reason)
}

// put writes a program with exactly this mode, and the directories above it.
func put(t *testing.T, path string, mode uint32) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := unix.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
	return path
}

func dirsOf(groups ...Group) Dirs { return Dirs{Groups: groups, UID: os.Geteuid()} }

func TestFindTakesTheHighestRank(t *testing.T) {
	top := trustedDir(t)
	flag, beside := filepath.Join(top, "flag"), filepath.Join(top, "beside")
	want := put(t, flag+"/nsrun-plugin-net", 0o755)
	put(t, beside+"/nsrun-plugin-net", 0o755)
	other := put(t, beside+"/nsrun-plugin-uts", 0o755)
	dirs := dirsOf(Group{ByFlag, []string{flag}}, Group{Beside, []string{beside}})

	for name, path := range map[string]string{"net": want, "uts": other, other: other} {
		p, err := Find(name, dirs)
		if err != nil {
			t.Errorf("Find(%q): %v", name, err)
		}
		if p.Path != path {
			t.Errorf("Find(%q) = %s, want %s", name, p.Path, path)
		}
	}
}

func TestFindRefusesRatherThanFallsThrough(t *testing.T) {
	top := trustedDir(t)
	put(t, top+"/flag/nsrun-plugin-net", 0o777)
	put(t, top+"/beside/nsrun-plugin-net", 0o755)
	dirs := dirsOf(Group{ByFlag, []string{top + "/flag"}}, Group{Beside, []string{top + "/beside"}})
	_, err := Find("net", dirs)
	wantRefused(t, err, "can be written by others (mode 0777)", "chmod go-w "+top+"/flag/nsrun-plugin-net")
}

func TestFindNamesBothOfOneRank(t *testing.T) {
	top := trustedDir(t)
	a := put(t, top+"/a/nsrun-plugin-net", 0o755)
	b := put(t, top+"/b/nsrun-plugin-net", 0o755)
	_, err := Find("net", dirsOf(Group{ByFlag, []string{top + "/a", top + "/b"}}))
	ambiguous, ok := errors.AsType[*AmbiguousError](err)
	if !ok {
		t.Fatalf("Find = %v, want an AmbiguousError", err)
	}
	for _, path := range []string{a, b} {
		if !strings.Contains(ambiguous.Error(), path) {
			t.Errorf("%q doesn't name %s", ambiguous, path)
		}
	}
}

func TestFindTakesOneFileReachedTwiceOnce(t *testing.T) {
	top := trustedDir(t)
	a := put(t, top+"/a/nsrun-plugin-net", 0o755)
	if err := os.Symlink(top+"/a", top+"/b"); err != nil {
		t.Fatal(err)
	}
	p, err := Find("net", dirsOf(Group{ByFlag, []string{top + "/a", top + "/b"}}))
	if err != nil || p.Path != a {
		t.Errorf("Find = %s, %v, want %s", p.Path, err, a)
	}
}

func TestFindSuggestsWhatIsInstalled(t *testing.T) {
	top := trustedDir(t)
	put(t, top+"/nsrun-plugin-mount", 0o755)
	put(t, top+"/nsrun-plugin-net", 0o755)
	put(t, top+"/nsrun-plugin-Bad.Name", 0o755)
	dirs := dirsOf(Group{Beside, []string{top}})
	for typed, want := range map[string]string{
		"monut": "did you mean mount?", "network": "did you mean net?", "nett": "did you mean net?",
		"zfs": "nsctl plugin list",
	} {
		_, err := Find(typed, dirs)
		notFound, ok := errors.AsType[*NotFoundError](err)
		if !ok {
			t.Fatalf("Find(%q) = %v, want a NotFoundError", typed, err)
		}
		d, _ := errors.AsType[*ns.Diagnostic](err)
		if !strings.Contains(d.Hint, want) {
			t.Errorf("Find(%q): hint %q lacks %q", typed, d.Hint, want)
		}
		if !strings.Contains(d.Detail, top) || notFound.Name != typed {
			t.Errorf("Find(%q): %q doesn't say where it looked", typed, d.Detail)
		}
	}
}

func TestFindRefusesWhatIsNoName(t *testing.T) {
	top := trustedDir(t)
	put(t, top+"/evil", 0o755)
	dirs := dirsOf(Group{Beside, []string{top + "/plugins"}})
	for _, name := range []string{
		"", ".", "..", "../evil", "net/../evil", "./nsrun-plugin-net", "Net", "net\x00", "n\u2215et", "-net",
		top + "/evil", top + "/nsrun-plugin-..", strings.Repeat("n", 33), strings.Repeat("n", 4096),
	} {
		p, err := Find(name, dirs)
		if _, ok := errors.AsType[*ns.Diagnostic](err); !ok {
			t.Errorf("Find(%q) = %v, %v, want a diagnostic", name, p, err)
		}
		if err != nil && len(err.Error()) > 300 {
			t.Errorf("Find of a long name answers with %d bytes", len(err.Error()))
		}
	}
}

func TestFindRefusesWhatIsNoProgram(t *testing.T) {
	top := trustedDir(t)
	path := top + "/nsrun-plugin-x"
	tests := []struct {
		name   string
		make   func()
		reason string
		hint   string
	}{
		{"not executable", func() { put(t, path, 0o644) }, "it is not executable (mode 0644)", "chmod +x " + path},
		{"directory", func() { os.Mkdir(path, 0o755) }, "it is a directory", "the file"},
		{"pipe", func() { unix.Mkfifo(path, 0o755) }, "it is a named pipe", "the file"},
		{"dangling link", func() { os.Symlink(top+"/gone", path) }, "no such file", "ls -l"},
		{"link to itself", func() { os.Symlink(path, path) }, "too many levels", "ls -l"},
		{"link through a file", func() { os.Symlink("/etc/passwd/x", path) }, "not a directory", "ls -l"},
		{"set-user-ID", func() { put(t, path, 0o4755) }, "set-user-ID", "chmod ug-s " + path},
		{"set-group-ID", func() { put(t, path, 0o2755) }, "set-group-ID", "chmod ug-s " + path},
		{"written by the group", func() { put(t, path, 0o775) }, "can be written by others (mode 0775)", "chmod go-w"},
		{"device", func() { os.Symlink("/dev/null", path) }, "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.make()
			defer os.RemoveAll(path)
			_, err := Find("x", dirsOf(Group{Beside, []string{top}}))
			wantRefused(t, err, tt.reason, tt.hint)
		})
	}
}

func TestFindChecksEveryDirectoryAbove(t *testing.T) {
	top := trustedDir(t)
	put(t, top+"/a/b/nsrun-plugin-x", 0o755)
	if err := os.Symlink("../a/b/nsrun-plugin-x", mkdir(t, top+"/links")+"/nsrun-plugin-x"); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{top, top + "/a", top + "/a/b"} {
		if err := unix.Chmod(dir, 0o777); err != nil {
			t.Fatal(err)
		}
		for _, place := range []string{top + "/a/b", top + "/links"} {
			_, err := Find("x", dirsOf(Group{Beside, []string{place}}))
			wantRefused(t, err, "directory "+dir+" can be written by others (mode 0777)", "chmod go-w "+dir)
		}
		if err := unix.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := Find("x", dirsOf(Group{Beside, []string{top + "/links"}})); err != nil {
		t.Errorf("a link through trusted directories: %v", err)
	}
}

func mkdir(t *testing.T, dir string) string {
	t.Helper()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestFindRefusesStickyDirectories(t *testing.T) {
	top := trustedDir(t)
	put(t, top+"/tmp/nsrun-plugin-x", 0o755)
	if err := unix.Chmod(top+"/tmp", 0o1777); err != nil {
		t.Fatal(err)
	}
	_, err := Find("x", dirsOf(Group{ByFlag, []string{top + "/tmp"}}))
	wantRefused(t, err, "mode 1777", "directory of your own")
}

func TestFindPassesThroughStickyDirectoriesToTrustedOnes(t *testing.T) {
	top := trustedDir(t)
	put(t, top+"/tmp/mine/nsrun-plugin-x", 0o755)
	if err := unix.Chmod(top+"/tmp", 0o1777); err != nil {
		t.Fatal(err)
	}
	if _, err := Find("x", dirsOf(Group{ByFlag, []string{top + "/tmp/mine"}})); err != nil {
		t.Errorf("a directory of ours in a sticky one: %v", err)
	}
	if err := os.Symlink("mine", top+"/tmp/link"); err != nil {
		t.Fatal(err)
	}
	_, err := Find("x", dirsOf(Group{ByFlag, []string{top + "/tmp/link"}}))
	wantRefused(t, err, "mode 1777", "directory of your own")
}

func TestFindTrustsOwners(t *testing.T) {
	if os.Geteuid() != 0 {
		cannotRun(t, "needs root to give files away")
	}
	const me, stranger = 12345, 12346
	top := trustedDir(t)
	tests := []struct {
		name   string
		caller int
		owner  int
		reason string
	}{
		{"root trusts root", 0, 0, ""},
		{"root trusts nobody else", 0, me, "it belongs to uid 12345, not to root"},
		{"a user trusts root", me, 0, ""},
		{"a user trusts himself", me, me, ""},
		{"a user trusts nobody else", me, stranger, "it belongs to uid 12346, not to root or uid 12345"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			path := put(t, top+"/nsrun-plugin-x", 0o755)
			if err := os.Chown(path, tt.owner, 0); err != nil {
				t.Fatal(err)
			}
			_, err := Find("x", Dirs{Groups: []Group{{Beside, []string{top}}}, UID: tt.caller})
			if tt.reason == "" && err != nil {
				t.Error(err)
			} else if tt.reason != "" {
				wantRefused(t, err, tt.reason, "chown")
			}
		})
	}
}

func TestFindExplainsUnmappedOwners(t *testing.T) {
	if os.Geteuid() != 0 {
		cannotRun(t, "needs root to give files away")
	}
	top := trustedDir(t)
	if err := os.Chown(put(t, top+"/nsrun-plugin-x", 0o755), overflowUID, 0); err != nil {
		t.Fatal(err)
	}
	_, err := Find("x", dirsOf(Group{Beside, []string{top}}))
	wantRefused(t, err, "it belongs to uid 65534, not to root", "doesn't map root")
}

func TestFindRefusesFileCapabilities(t *testing.T) {
	if os.Geteuid() != 0 {
		cannotRun(t, "needs root to set file capabilities")
	}
	top := trustedDir(t)
	path := put(t, top+"/nsrun-plugin-x", 0o755)
	// struct vfs_cap_data, revision 2, with CAP_NET_RAW permitted and effective.
	caps := []byte{1, 0, 0, 2, 0, 0x20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}
	if err := unix.Setxattr(path, "security.capability", caps, 0); err != nil {
		cannotRun(t, "set file capabilities: "+err.Error())
	}
	_, err := Find("x", dirsOf(Group{Beside, []string{top}}))
	wantRefused(t, err, "file capabilities", "setcap -r "+path)
}

func TestOpenRefusesAnotherFile(t *testing.T) {
	top := trustedDir(t)
	path := put(t, top+"/nsrun-plugin-x", 0o755)
	p, err := Find("x", dirsOf(Group{Beside, []string{top}}))
	if err != nil {
		t.Fatal(err)
	}
	file, err := Open(p)
	if err != nil {
		t.Fatal(err)
	}
	file.Close()

	other := put(t, top+"/other", 0o755)
	if err := os.Rename(other, path); err != nil {
		t.Fatal(err)
	}
	_, err = Open(p)
	wantRefused(t, err, "changed or replaced", "again")
}

func TestListSaysWhyNot(t *testing.T) {
	top := trustedDir(t)
	for _, file := range []string{"a/nsrun-plugin-net", "b/nsrun-plugin-net", "a/nsrun-plugin-two", "a2/nsrun-plugin-two"} {
		put(t, filepath.Join(top, file), 0o755)
	}
	put(t, top+"/b/nsrun-plugin-loose", 0o666)
	put(t, top+"/b/readme", 0o755)
	got := make(map[string]Candidate)
	for _, c := range List(dirsOf(Group{ByFlag, []string{top + "/a", top + "/a2"}}, Group{Beside, []string{top + "/b", top + "/none"}})) {
		got[strings.TrimPrefix(c.Path, top+"/")] = c
	}
	want := map[string]string{
		"a/nsrun-plugin-net":   "",
		"b/nsrun-plugin-net":   "hidden by " + top + "/a/nsrun-plugin-net",
		"a/nsrun-plugin-two":   "ambiguous",
		"a2/nsrun-plugin-two":  "ambiguous",
		"b/nsrun-plugin-loose": "can be written by others",
	}
	if len(got) != len(want) {
		t.Errorf("List has %d candidates, want %d: %v", len(got), len(want), got)
	}
	for path, reason := range want {
		c := got[path]
		if !strings.Contains(c.Reason, reason) || c.Chosen != (reason == "") {
			t.Errorf("%s: chosen %v, reason %q, want %q", path, c.Chosen, c.Reason, reason)
		}
	}
}

// wantRefused checks that err refuses a plugin with these words.
func wantRefused(t *testing.T, err error, reason, hint string) {
	t.Helper()
	refused, ok := errors.AsType[*RefusedError](err)
	if !ok {
		t.Fatalf("error is %v, want a RefusedError with %q", err, reason)
	}
	if !strings.Contains(refused.Reason, reason) {
		t.Errorf("reason %q lacks %q", refused.Reason, reason)
	}
	if !strings.Contains(refused.Hint, hint) {
		t.Errorf("hint %q lacks %q", refused.Hint, hint)
	}
}
