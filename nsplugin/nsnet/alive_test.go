// SPDX-License-Identifier: Apache-2.0

package nsnet

import (
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/nsrun/nsrun/ns"
)

// TestExhausted counts a run whose journal is locked, one whose isn't, and one of which
// nothing is there.
func TestExhausted(t *testing.T) {
	base := t.TempDir()
	for _, id := range []string{"living", "dead"} {
		dir := filepath.Join(base, "runs", id)
		if err := os.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		f, err := os.Create(filepath.Join(dir, "journal"))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if id == "living" {
			if err := unix.Flock(int(f.Fd()), unix.LOCK_EX); err != nil {
				t.Fatal(err)
			}
		}
	}
	req := &ns.HookRequest{RunID: "own", StateDir: filepath.Join(base, "runs", "own", "state", "native")}
	got := Exhausted("10.9.0.0/29", []string{"living", "dead", "gone", "", "../x"}, Living(req))
	if want := "no address left in 10.9.0.0/29: all 5 are leased, 1 of them to runs that are alive"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
