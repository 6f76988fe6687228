// SPDX-License-Identifier: Apache-2.0

package core

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/nsrun/nsrun/core/stage"
	"github.com/nsrun/nsrun/internal/procfs"
	"github.com/nsrun/nsrun/ns"
	"golang.org/x/sys/unix"
)

const someMounts = `21 26 0:20 / / rw,relatime - ext4 /dev/vda rw
22 21 0:21 / /data rw,nosuid,nodev shared:3 - tmpfs tmpfs rw
23 21 0:22 / /data rw - xfs /dev/vdb rw
24 21 0:23 / /with\040space ro,noexec - tmpfs tmpfs rw
25 21 0:24 / /database rw - tmpfs tmpfs rw
damaged
`

func TestMountOf(t *testing.T) {
	table := procfs.ParseMounts(someMounts)
	for path, want := range map[string]string{
		"/etc/passwd": "/ (ext4, rw,relatime)",
		"/data":       "/data (xfs, rw)", // the later one covers the earlier
		"/data/x":     "/data (xfs, rw)",
		"/database/x": "/database (tmpfs, rw)",
		"/datab":      "/ (ext4, rw,relatime)",
		"/with space": "/with space (tmpfs, ro,noexec)",
	} {
		if got := mountOf(table, path).String(); got != want {
			t.Errorf("%s is on %s, want %s", path, got, want)
		}
	}
}

func TestExplainMount(t *testing.T) {
	dir := t.TempDir()
	if err := os.Symlink("/data", filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("..", filepath.Join(dir, "up")); err != nil {
		t.Fatal(err)
	}
	table := procfs.ParseMounts(`21 26 0:20 / / rw,nosuid,relatime - ext4 /dev/vda rw`)
	up := filepath.Join(dir, "up")
	e := &stage.StepError{
		Step: ns.PlannedStep{Plugin: "mount", Step: ns.Step{Op: ns.OpBind, Source: up, Target: "/t"}},
		Call: "mount_setattr", Line: "mount_setattr(5, ...)", Errno: unix.EPERM,
	}
	d := e.Diagnostic()
	explainMount(d, e, table, true)
	want := "mount_setattr(2) answered EPERM; the call was mount_setattr(5, ...); " + up + " leads to " + filepath.Dir(dir) +
		"; the source is on the mount / (ext4, rw,nosuid,relatime); its nosuid,relatime can't be taken off in a user namespace" +
		"; the target is below the caller's mount / (ext4, rw,nosuid,relatime)"
	if d.Detail != want {
		t.Errorf("got  %s\nwant %s", d.Detail, want)
	}
	d = e.Diagnostic()
	explainMount(d, e, table, false)
	if d.Detail == want {
		t.Error("flags are locked outside of a user namespace")
	}
}
