// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"os/exec"
	"testing"
	"time"
)

// TestKilledRunsLeaveNothing is the short tier of make chaos: the verdict is the
// program's own.
func TestKilledRunsLeaveNothing(t *testing.T) {
	_, err := os.Stat("../../bin/nsrun")
	if os.Getuid() != 0 || err != nil {
		if os.Getenv("NSRUN_TEST_MUST_WORK") == "1" {
			t.Fatal("needs root and make build:", err)
		}
		t.Skip("needs root and make build")
	}
	out, err := exec.Command("../../scripts/chaos", "-kills", "1", "-crowd", "20", "-step", "0", "-peers=false").CombinedOutput()
	t.Logf("%s", out)
	if err != nil {
		t.Error(err)
	}
}

func TestVerdictIsForOurLeaksAlone(t *testing.T) {
	late := row{ours: true, kills: 3, survivors: 2, late: 4}
	if err := verdict([]row{late, {left: 7}}); err != nil {
		t.Error(err)
	}
	for _, bad := range []row{{ours: true, left: 1}, {ours: true, hangs: 1}} {
		if verdict([]row{bad}) == nil {
			t.Errorf("%+v passes", bad)
		}
	}
}

func TestFamilyIsWhoComesFromAProcess(t *testing.T) {
	cmd := exec.Command("bash", "-c", "(exec -a /x/nsrun-plugin-y sleep 60) & echo up; wait")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	ended, err := start(cmd)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := out.Read(make([]byte, 3)); err != nil {
		t.Fatal(err)
	}
	d := death{of: []role{plugin}}
	for end := time.Now().Add(30 * time.Second); d.strike(cmd.Process.Pid) != 1; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("no plugin in %v", family(cmd.Process.Pid))
		}
	}
	if err := <-ended; err != nil {
		t.Errorf("the front died as well: %v", err)
	}
}
