// SPDX-License-Identifier: Apache-2.0

package find

import (
	"os"
	"testing"
)

// TestAFinderFindsWhatFindDoes asks one Finder for files of one directory, for some
// that aren't in it, and again.
func TestAFinderFindsWhatFindDoes(t *testing.T) {
	top := trustedDir(t)
	put(t, top+"/a/nsrun-plugin-net", 0o755)
	put(t, top+"/a/nsrun-plugin-open", 0o777)
	put(t, top+"/b/nsrun-plugin-uts", 0o755)
	for link, target := range map[string]string{"up": "../b/nsrun-plugin-uts", "away": top + "/b/nsrun-plugin-uts", "into": "net/x"} {
		if err := os.Symlink(target, top+"/a/nsrun-plugin-"+link); err != nil {
			t.Fatal(err)
		}
	}
	dirs := dirsOf(Group{ByFlag, []string{top + "/a"}}, Group{Beside, []string{top + "/b"}})
	before := openFiles(t)
	finder := Finder{}
	for range 2 {
		for _, name := range []string{"net", "open", "up", "away", "uts", "into", "none", top + "/a/nsrun-plugin-net/nsrun-plugin-x", "net"} {
			want, wantErr := Find(name, dirs)
			got, err := finder.Find(name, dirs)
			if got != want || (err == nil) != (wantErr == nil) || err != nil && err.Error() != wantErr.Error() {
				t.Errorf("%s: %+v, %v, want %+v, %v", name, got, err, want, wantErr)
			}
		}
	}
	finder.Close()
	if after := openFiles(t); after != before {
		t.Errorf("%d files are open, %d before", after, before)
	}
}

// TestAFinderTrustsForOneUserAtATime has a directory that another user could have
// filled, and asks for him first.
func TestAFinderTrustsForOneUserAtATime(t *testing.T) {
	if os.Geteuid() != 0 {
		cannotRun(t, "changing owners takes root")
	}
	top := trustedDir(t)
	put(t, top+"/a/nsrun-plugin-net", 0o755)
	if err := os.Chown(top+"/a", 1234, -1); err != nil {
		t.Fatal(err)
	}
	theirs := Dirs{Groups: []Group{{ByFlag, []string{top + "/a"}}}, UID: 1234}
	finder := Finder{}
	defer finder.Close()
	if _, err := finder.Find("net", theirs); err != nil {
		t.Fatal(err)
	}
	roots := theirs
	roots.UID = 0
	_, err := finder.Find("net", roots)
	wantRefused(t, err, "directory "+top+"/a belongs to uid 1234, not to root", "chown 0 "+top+"/a, if you trust what is in it")
}

func openFiles(t *testing.T) int {
	t.Helper()
	all, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(all)
}
