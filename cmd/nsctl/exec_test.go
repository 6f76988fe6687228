// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/nsrun/nsrun/core/journal"
	"github.com/nsrun/nsrun/ns"
)

// sleeper starts a process that lives until the test ends, and returns its id.
func sleeper(t *testing.T) int {
	t.Helper()
	cmd := exec.Command("sleep", "300")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	return cmd.Process.Pid
}

// V12: a run is joined only if its first process is the child of its nsrun
// (CVE-2022-31214 joined what a forged record named).
func TestV12ForgedRunsAreNotJoined(t *testing.T) {
	child := sleeper(t)
	for name, c := range map[string]struct {
		header journal.Header
		child  int
		want   string
	}{
		"a run of ours":             {journal.Header{UID: os.Geteuid(), PID: os.Getpid()}, child, ""},
		"another user's run":        {journal.Header{UID: os.Geteuid() + 1, PID: os.Getpid()}, child, "it is a run of user"},
		"a process of somebody":     {journal.Header{UID: os.Geteuid(), PID: os.Getpid()}, 1, "is not a child of its nsrun"},
		"another nsrun":             {journal.Header{UID: os.Geteuid(), PID: 1}, child, "is not a child of its nsrun, process 1"},
		"a process that isn't here": {journal.Header{UID: os.Geteuid(), PID: os.Getpid()}, 1 << 22, "its first process isn't there"},
		"none yet":                  {journal.Header{UID: os.Geteuid(), PID: os.Getpid()}, 0, "its first process isn't there"},
	} {
		t.Run(name, func(t *testing.T) {
			base, err := journal.Open(t.TempDir() + "/base")
			if err != nil {
				t.Fatal(err)
			}
			run, err := base.Create(c.header)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = run.Remove() })
			if err := run.Child(c.child); err != nil {
				t.Fatal(err)
			}
			_, fd, err := holdRun(base, run.Header().ID)
			switch {
			case c.want == "":
				if err != nil || fd < 0 {
					t.Errorf("refused: %v", err)
				}
			case err == nil || !strings.Contains(ns.Diagnose(err)[0].Detail, c.want):
				t.Errorf("got %v, want %s", ns.Diagnose(err), c.want)
			}
		})
	}
}
