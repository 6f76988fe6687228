// SPDX-License-Identifier: Apache-2.0

package stage

import (
	"fmt"
	"os"
	"regexp"
	"strconv"
	"testing"

	"golang.org/x/sys/unix"
)

func TestAFrontGivesBackItsCodeWheneverItComesToRest(t *testing.T) {
	needRoot(t)
	r := newRun(t, order{}, sh("echo up; exec sleep 1000")...)
	r.started(t)
	for range 2 {
		awake := residentCode(t, r.Process.Pid)
		awaitCode(t, r.Process.Pid, "less", func(kB int) bool { return kB < awake })
		asleep := residentCode(t, r.Process.Pid)
		if err := r.Process.Signal(unix.SIGWINCH); err != nil { // nothing to the command
			t.Fatal(err)
		}
		awaitCode(t, r.Process.Pid, "more", func(kB int) bool { return kB > asleep })
	}
}

func awaitCode(t *testing.T, pid int, want string, enough func(kB int) bool) {
	t.Helper()
	await(t, func() (bool, string) {
		kB := residentCode(t, pid)
		return enough(kB), fmt.Sprintf("%d kB of code, want %s", kB, want)
	})
}

var codeOfProgram = regexp.MustCompile(`(?m)^\S+ r-xp \S+ \S+ [1-9]\d* +/.*\n(?:\w+: .*\n)*?Rss: +(\d+) kB`)

// residentCode returns how much of its program's code a process has mapped, in kB;
// proc_pid_smaps(5).
func residentCode(t *testing.T, pid int) int {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps", pid))
	if err != nil {
		t.Fatal(err)
	}
	m := codeOfProgram.FindSubmatch(text)
	if m == nil {
		t.Fatalf("no code in:\n%s", text)
	}
	n, err := strconv.Atoi(string(m[1]))
	if err != nil {
		t.Fatal(err)
	}
	return n
}
