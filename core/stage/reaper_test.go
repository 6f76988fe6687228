// SPDX-License-Identifier: Apache-2.0

package stage

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/nsrun/nsrun/internal/procfs"
)

// The argv[0] under which the test binary starts a reaper, and is one.
const reapedName, reaperName = "stage-reaped", "stage-reaper"

func init() {
	switch os.Args[0] {
	case reapedName:
		reaped()
	case reaperName:
		reap(os.Args[1])
	}
}

// reaped starts a reaper that writes to the file named by its argument, prints
// its pid, and dismisses it when its standard input ends.
func reaped() {
	runtime.LockOSThread()
	r, err := StartReaper([]string{reaperName, os.Args[1]}, []string{"LEFT=word"})
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println(r.PID())
	bufio.NewReader(os.Stdin).ReadByte()
	r.Dismiss()
	os.Exit(0)
}

// reap writes to file what the reaper was left with.
func reap(file string) {
	text := fmt.Sprintln(os.Getenv("LEFT"), os.Getenv("HOME"))
	for fd := range 3 {
		target, _ := os.Readlink(fmt.Sprintf("/proc/self/fd/%d", fd))
		text += target + "\n"
	}
	dir, _ := os.Getwd()
	mask := ""
	for line := range strings.Lines(procfs.Read(os.Getpid(), "status")) {
		if strings.HasPrefix(line, "SigBlk") {
			mask = line
		}
	}
	text += dir + "\n" + mask
	temp := file + ".new"
	if os.WriteFile(temp, []byte(text), 0o600) != nil || os.Rename(temp, file) != nil {
		os.Exit(1)
	}
	os.Exit(0)
}

// startReaped returns the process that has a reaper, and the reaper's pid.
func startReaped(t *testing.T, file string) (cmd *exec.Cmd, end func(), reaper int) {
	t.Helper()
	cmd = &exec.Cmd{Path: "/proc/self/exe", Args: []string{reapedName, file}, Dir: t.TempDir(), Env: []string{"HOME=/nowhere"}}
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err == nil {
		reaper, err = strconv.Atoi(strings.TrimSpace(line))
	}
	if err != nil {
		t.Fatalf("%q: %v", line, err)
	}
	return cmd, func() { stdin.Close() }, reaper
}

// eventually waits until ok holds.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not within 30 s: %s", what)
		}
	}
}

func gone(pid int) func() bool {
	return func() bool {
		return errors.Is(unix.Kill(pid, 0), unix.ESRCH) || procfs.Parent(pid) != os.Getpid() && zombie(pid)
	}
}

func zombie(pid int) bool { return strings.Contains(procfs.Read(pid, "stat"), ") Z ") }

func TestReaperGoesOnWhenItsProcessIsKilled(t *testing.T) {
	file := filepath.Join(t.TempDir(), "out")
	cmd, _, reaper := startReaped(t, file)
	eventually(t, "the reaper waits", func() bool { return procfs.Read(reaper, "comm") == "nsrun-reaper\n" })
	// It must not be in the way of who waits for the end of the caller's output.
	if left, _ := os.Readlink(fmt.Sprintf("/proc/%d/fd/1", reaper)); left != "/dev/null" {
		t.Errorf("the reaper holds %q as its output", left)
	}
	if sid, err := unix.Getsid(reaper); err != nil || sid != reaper {
		t.Errorf("session %d, %v, want its own", sid, err)
	}
	cmd.Process.Kill()
	cmd.Wait()
	eventually(t, "the reaper executes", func() bool { _, err := os.Stat(file); return err == nil })
	got, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	want := "word \n/dev/null\n/dev/null\n/dev/null\n/\nSigBlk:\t0000000000000000\n"
	if string(got) != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestReaperIsDismissed(t *testing.T) {
	file := filepath.Join(t.TempDir(), "out")
	cmd, end, reaper := startReaped(t, file)
	end()
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the reaper ends", gone(reaper))
	if _, err := os.Stat(file); err == nil {
		t.Error("the reaper did its work all the same")
	}
}

func TestReaperMayBeKilled(t *testing.T) {
	cmd, end, reaper := startReaped(t, filepath.Join(t.TempDir(), "out"))
	if err := unix.Kill(reaper, unix.SIGKILL); err != nil {
		t.Fatal(err)
	}
	end()
	if err := cmd.Wait(); err != nil {
		t.Errorf("its process didn't end well: %v", err)
	}
}

// TestReaperIgnoresSignals sends what a terminal, or somebody who ends all that
// he can see, would send.
func TestReaperIgnoresSignals(t *testing.T) {
	file := filepath.Join(t.TempDir(), "out")
	cmd, _, reaper := startReaped(t, file)
	for _, sig := range []syscall.Signal{unix.SIGINT, unix.SIGTERM, unix.SIGHUP, unix.SIGQUIT} {
		if err := unix.Kill(reaper, sig); err != nil {
			t.Fatal(err)
		}
	}
	cmd.Process.Kill()
	cmd.Wait()
	eventually(t, "the reaper executes", func() bool { _, err := os.Stat(file); return err == nil })
}

// maxReaperPSS is what a reaper may cost, in kB.
const maxReaperPSS = 1000

func TestReaperCostsLittle(t *testing.T) {
	_, end, reaper := startReaped(t, filepath.Join(t.TempDir(), "out"))
	defer end()
	eventually(t, "the reaper waits", func() bool { return procfs.Read(reaper, "comm") == "nsrun-reaper\n" })
	if kb, ok := procfs.PSS(reaper); !ok || kb > maxReaperPSS {
		t.Errorf("%d kB (%v), want %d at most", kb, ok, maxReaperPSS)
	}
}

func BenchmarkReaper(b *testing.B) {
	runtime.LockOSThread()
	for b.Loop() {
		r, err := StartReaper([]string{"/bin/true"}, nil)
		if err != nil {
			b.Fatal(err)
		}
		r.Dismiss()
	}
}
