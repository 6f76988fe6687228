// SPDX-License-Identifier: Apache-2.0

package procfs

import (
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"syscall"
	"testing"
	"time"
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

func TestFamilyNamesChildrenBeforeTheirParents(t *testing.T) {
	shell := exec.Command("sh", "-c", "sleep 60 & echo $!; wait")
	out, err := shell.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := shell.Start(); err != nil {
		t.Fatal(err)
	}
	defer shell.Wait()
	defer shell.Process.Kill()
	var child int
	if _, err := fmt.Fscan(out, &child); err != nil {
		t.Fatal(err)
	}
	defer syscall.Kill(child, syscall.SIGKILL)
	if got, want := Family(shell.Process.Pid), []int{child, shell.Process.Pid}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	own := Family(os.Getpid())
	if own[len(own)-1] != os.Getpid() || !slices.Contains(own, child) {
		t.Errorf("of this process: %v", own)
	}
}

func TestStatus(t *testing.T) {
	status := Status(os.Getpid())
	if pid := status["Pid"]; len(pid) != 1 || pid[0] != strconv.Itoa(os.Getpid()) || len(status["Uid"]) != 4 {
		t.Errorf("got %v", status)
	}
	if status := Status(1 << 22); len(status) > 0 {
		t.Errorf("of nobody: %v", status)
	}
}

func TestPSS(t *testing.T) {
	if got, ok := PSS(os.Getpid()); !ok || got <= 0 {
		t.Errorf("of this process: %d, %v", got, ok)
	}
	if got, ok := PSS(1 << 22); ok {
		t.Errorf("of nobody: %d", got)
	}
}

// TestProcessorTime works until it is seen, and compares with getrusage(2).
func TestProcessorTime(t *testing.T) {
	if got := parseProcessorTime("7 (a) b) S 1 7 7 0 -1 4194304 90 0 0 0 12 30 55 66 20 0 1 0 9 1 2"); got != 420*time.Millisecond {
		t.Errorf("parsed %v", got)
	}
	for end := time.Now().Add(30 * time.Second); ProcessorTime(os.Getpid()) < 50*time.Millisecond; {
		if time.Now().After(end) {
			t.Fatal("none after 30 s of work")
		}
	}
	got := ProcessorTime(os.Getpid())
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		t.Fatal(err)
	}
	if want := time.Duration(used.Utime.Nano() + used.Stime.Nano()); (want - got).Abs() > 100*time.Millisecond {
		t.Errorf("got %v, want %v", got, want)
	}
	if got := ProcessorTime(1 << 22); got != 0 {
		t.Errorf("of nobody: %v", got)
	}
}
