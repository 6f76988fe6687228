// SPDX-License-Identifier: Apache-2.0

package core

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
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

func TestClosedAbove(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root, to give a directory away")
	}
	dir := filepath.Join(t.TempDir(), "a")
	for _, d := range []string{dir, dir + "/b"} {
		if err := errors.Join(os.Mkdir(d, 0o700), os.Chown(d, 7, 7)); err != nil {
			t.Fatal(err)
		}
	}
	for path, want := range map[string]string{dir + "/b/c": dir, dir: "", "/etc/passwd": "", "/no/such/file": ""} {
		if got := closedAbove(path); got != want {
			t.Errorf("%s: got %q, want %q", path, got, want)
		}
	}
}

func TestExplainIDMap(t *testing.T) {
	table := procfs.ParseMounts(`21 26 0:20 / / rw - ext4 /dev/vda rw
22 21 0:21 / /data rw,idmapped - tmpfs tmpfs rw
23 21 0:22 / /data/sub rw - proc proc rw`)
	const answered = "mount_setattr(2) answered "
	for _, tt := range []struct {
		errno  syscall.Errno
		places []string
		detail string
		hint   string
	}{
		{unix.EINVAL, []string{"/data/sub"}, "the kernel can't map ids on this type of file system: /data/sub (proc, rw): " + answered + "EINVAL", "a source without such a file system, or no :idmap"},
		{unix.EPERM, []string{"/data/x"}, "the ids of a mount can be mapped once, and are: /data (tmpfs, rw,idmapped): " + answered + "EPERM", "what it was made of as the source, or no :idmap"},
		{unix.EPERM, []string{"/etc"}, "mapping ids needs CAP_SYS_ADMIN in the user namespace that the file system was mounted in: / (ext4, rw): " + answered + "EPERM", "run nsrun as root outside of the container, or chown the files instead of :idmap"},
		{unix.ENOSYS, nil, "the kernel, or a seccomp filter around nsrun, has no mount_setattr(2); Linux has it since 5.12: " + answered + "ENOSYS", "no :idmap, and chown the files"},
		{unix.ENOMEM, nil, answered + "ENOMEM", ""},
	} {
		e := &stage.StepError{Call: "mount_setattr", Errno: tt.errno, IDMap: true, Unmapped: tt.places}
		d := e.Diagnostic()
		explainIDMap(d, e, table)
		if d.Detail != tt.detail || d.Hint != tt.hint {
			t.Errorf("%s: got  %s; %s\nwant %s; %s", tt.errno, d.Detail, d.Hint, tt.detail, tt.hint)
		}
	}
}

func TestExplainTellsOfAllStepsThatFailed(t *testing.T) {
	step := func(target string) error {
		return &stage.StepError{Step: ns.PlannedStep{Plugin: "mount", Step: ns.Step{Op: ns.OpBind, Source: "/s", Target: target}}, Errno: unix.EINVAL, IDMap: true}
	}
	r := &run{plan: &ns.Plan{}, inv: &Invocation{}}
	told := ns.Diagnose(r.explain(errors.Join(step("/a"), step("/b"))))
	if len(told) != 2 || told[0].Hint == "" || told[1].Summary != "bind /s on /b: invalid argument" {
		t.Errorf("got %+v", told)
	}
}
