// SPDX-License-Identifier: Apache-2.0

package procfs

import (
	"os"
	"os/exec"
	"testing"
)

func TestParseParent(t *testing.T) {
	for stat, want := range map[string]int{
		"12 (sh) S 7 1 2": 7, "12 (a) (b) R 3) S 9 1": 9, "12 (sh": 0, "": 0, "1 (x) S": 0,
	} {
		if got := parseParent(stat); got != want {
			t.Errorf("%q: parent %d, want %d", stat, got, want)
		}
	}
}

func TestParent(t *testing.T) {
	sleeper := exec.Command("sleep", "60")
	if err := sleeper.Start(); err != nil {
		t.Fatal(err)
	}
	defer sleeper.Wait()
	defer sleeper.Process.Kill()
	if got := Parent(sleeper.Process.Pid); got != os.Getpid() {
		t.Errorf("got %d, want %d", got, os.Getpid())
	}
	if got := Parent(1 << 22); got != 0 {
		t.Errorf("of nobody: %d", got)
	}
}
