// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/nsrun/nsrun/ns"
)

// TestUnpinTellsWhatItCantLookInto has a file where pins are looked for, in place of a limit
// of open files. A pin that nobody sees stays for ever once its run's journal is gone.
func TestUnpinTellsWhatItCantLookInto(t *testing.T) {
	r := create(t, open(t), "")
	must(t, r.Unpin())
	must(t, os.WriteFile(filepath.Join(r.Dir(), "ns"), nil, 0o600))
	if err := r.Unpin(); err == nil {
		t.Error("unpin succeeds without having looked")
	}
}

// TestAPinWithoutAJournalGoes has what is left when the journal was removed and the
// directory couldn't be.
func TestAPinWithoutAJournalGoes(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("pinning a namespace needs root")
	}
	// The thread isn't unlocked, so that it ends with the test, and its mounts with it.
	runtime.LockOSThread()
	must(t, unix.Unshare(unix.CLONE_FS|unix.CLONE_NEWNS))
	must(t, unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""))
	b := open(t)
	r := create(t, b, "")
	path, err := r.Pin(ns.Net, os.Getpid())
	must(t, err)
	must(t, os.Remove(filepath.Join(r.Dir(), "journal")))
	must(t, r.Close())
	if dead, err := b.Dead(); err != nil || len(dead) > 0 {
		t.Errorf("dead: %v, %v", dead, err)
	}
	if _, err := os.Lstat(filepath.Dir(path)); err == nil {
		t.Errorf("%s is there", path)
		_ = unix.Unmount(path, unix.MNT_DETACH)
	}
}
