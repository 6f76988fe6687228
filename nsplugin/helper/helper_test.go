// SPDX-License-Identifier: Apache-2.0

package helper

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/nsrun/nsrun/ns"
)

// TestMain makes the test binary a helper if it bears the title of one.
func TestMain(m *testing.M) {
	if strings.HasPrefix(os.Args[0], "nsrun/") {
		beHelper(os.Args[1])
	}
	os.Exit(m.Run())
}

// beHelper does what a helper does, well or badly.
func beHelper(how string) {
	switch how {
	case "well":
		fmt.Fprintln(os.Stderr, "I serve 192.0.2.2")
		fmt.Println("ready")
	case "well on 4":
		var stat syscall.Stat_t
		if syscall.Fstat(3, &stat) != nil {
			os.Exit(9)
		}
		os.NewFile(4, "ready").WriteString("1")
	case "exit 3":
		fmt.Fprintln(os.Stderr, "Failed to send 9 bytes to syslog\nno route to anywhere")
		os.Exit(3)
	case "bye":
		fmt.Println("ready")
		time.Sleep(200 * time.Millisecond) // until the caller knows where its log ends
		fmt.Fprintln(os.Stderr, "the sandbox is gone, exiting")
		os.Exit(0)
	}
	time.Sleep(time.Hour)
}

// request is a hook's request of a run of its own, which is over with the test.
func request(t *testing.T) *ns.HookRequest {
	t.Helper()
	req, over := requestUntil(t)
	t.Cleanup(over)
	return req
}

// requestUntil is a request of a run that is over when over is called.
func requestUntil(t *testing.T) (req *ns.HookRequest, over func()) {
	t.Helper()
	fifo := filepath.Join(t.TempDir(), "lifeline")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	writer, err := os.OpenFile(fifo, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	id := fmt.Sprintf("test-%d-%s", os.Getpid(), t.Name())
	return &ns.HookRequest{RunID: id, StateDir: t.TempDir(), Lifeline: fifo}, func() { writer.Close() }
}

// start starts a helper that is ended with the test.
func start(t *testing.T, req *ns.HookRequest, how string, files ...*os.File) int {
	t.Helper()
	reply, err := Start(t.Context(), req, command(how, files...))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = Finish(context.Background(), req, "dummy", "") })
	req.State = reply.State
	pid := readState(reply.State).PID
	if want := (ns.Helper{Name: "dummy", PID: pid}); len(reply.Helpers) != 1 || reply.Helpers[0] != want {
		t.Errorf("helpers %v; want %v", reply.Helpers, want)
	}
	return pid
}

func command(how string, files ...*os.File) Command {
	c := Command{Name: "dummy", Path: "/proc/self/exe", Args: []string{how}, Files: files, Ready: 1}
	if len(files) > 0 {
		c.Ready = 3 + len(files)
	}
	return c
}

func alive(pid int) bool { return titleOf(pid) != "" }

func TestHelperIsEndedOnce(t *testing.T) {
	req := request(t)
	pid := start(t, req, "well")
	if got, want := titleOf(pid), "nsrun/"+req.RunID+"/dummy"; got != want {
		t.Fatalf("title %q, want %q", got, want)
	}
	if sid, _ := getsid(pid); sid != pid {
		t.Errorf("session %d: a kill of the plugin's group would reach it", sid)
	}
	for range 2 {
		if err := Finish(t.Context(), req, "dummy", ""); err != nil {
			t.Errorf("finish: %v", err)
		}
		if alive(pid) {
			t.Fatal("alive after finish")
		}
	}
}

func getsid(pid int) (int, error) {
	sid, _, errno := syscall.Syscall(syscall.SYS_GETSID, uintptr(pid), 0, 0)
	if errno != 0 {
		return 0, errno
	}
	return int(sid), nil
}

// TestHelperEndsWhenNobodyIsLeft is what the kernel does when nsrun and its reaper are
// killed together.
func TestHelperEndsWhenNobodyIsLeft(t *testing.T) {
	req, over := requestUntil(t)
	pid := start(t, req, "well")
	if env, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid)); err != nil || len(env) > 0 {
		t.Errorf("environment %q, %v; want none", env, err)
	}
	over()
	for deadline := time.Now().Add(time.Second); alive(pid); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("alive a second after the run")
		}
	}
	if err := Finish(t.Context(), req, "dummy", ""); err != nil {
		t.Errorf("finish: %v; want no word of a helper that ended as it should", err)
	}
}

func TestNothingIsStartedForARunThatIsOver(t *testing.T) {
	req, over := requestUntil(t)
	over()
	_, err := Start(t.Context(), req, command("well"))
	var d *ns.Diagnostic
	if !errors.As(err, &d) || d.Summary != "start dummy: it exited with status 1" || d.Detail != "the run is over" {
		t.Errorf("got %+v", d)
	}
}

func TestAnOlderNsrunHasNoLifeline(t *testing.T) {
	req := request(t)
	req.Lifeline = ""
	if pid := start(t, req, "well"); !alive(pid) {
		t.Error("it isn't alive")
	}
}

func TestAProgramThatCantBeExecuted(t *testing.T) {
	c := command("well")
	c.Path = "/nonexistent"
	_, err := Start(t.Context(), request(t), c)
	var d *ns.Diagnostic
	if !errors.As(err, &d) || d.Detail != "execute /nonexistent: no such file or directory" {
		t.Errorf("got %+v", d)
	}
}

func TestFilesAreHandedOn(t *testing.T) {
	file, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	start(t, request(t), "well on 4", file)
}

func TestHelperIsFoundWithoutState(t *testing.T) {
	req, other := request(t), request(t)
	other.RunID += "-other"
	pid, stranger := start(t, req, "well"), start(t, other, "well")
	req.State = nil
	if err := Finish(t.Context(), req, "dummy", ""); err != nil {
		t.Fatal(err)
	}
	if alive(pid) {
		t.Error("alive after finish")
	}
	if !alive(stranger) {
		t.Error("another run's helper was killed")
	}
}

func TestNumberOfAnotherProcessIsLeftAlone(t *testing.T) {
	req, other := request(t), request(t)
	other.RunID += "-other"
	stranger := start(t, other, "well")
	req.State = other.State
	if err := Finish(t.Context(), req, "dummy", ""); err != nil {
		t.Fatal(err)
	}
	if !alive(stranger) {
		t.Error("another run's helper was killed")
	}
}

func TestNothingToFinish(t *testing.T) {
	if err := Finish(t.Context(), request(t), "dummy", ""); err != nil {
		t.Error(err)
	}
}

func TestHelperThatFailsToStart(t *testing.T) {
	req := request(t)
	_, err := Start(t.Context(), req, command("exit 3"))
	var d *ns.Diagnostic
	if !errors.As(err, &d) || d.Summary != "start dummy: it exited with status 3" || d.Detail != "no route to anywhere" {
		t.Errorf("got %+v", d)
	}
}

func TestHelperThatIsNeverReady(t *testing.T) {
	req := request(t)
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	_, err := Start(ctx, req, command("silent"))
	if err == nil || !strings.Contains(err.Error(), "not ready in time") {
		t.Errorf("got %v", err)
	}
	if ended, _ := end(t.Context(), req, "dummy"); ended {
		t.Error("it was still alive")
	}
}

func TestEarlyEndIsAWarning(t *testing.T) {
	req := request(t)
	pid := start(t, req, "well")
	if err := appendTo(logFile(req, "dummy"), "one\ntwo\nout of memory\n\n"); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	for alive(pid) {
		time.Sleep(time.Millisecond)
	}
	var d *ns.Diagnostic
	if err := Finish(t.Context(), req, "dummy", ""); !errors.As(err, &d) || d.Severity != ns.Warning ||
		d.Summary != "lost dummy before the command ended, which was cut off from then on" || d.Detail != "one; two; out of memory" {
		t.Errorf("got %+v", d)
	}
	if err := Finish(t.Context(), req, "dummy", ""); err != nil {
		t.Errorf("again: %v", err)
	}
}

func appendTo(path, text string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = f.WriteString(text)
	return err
}

func TestFarewellIsNoWarning(t *testing.T) {
	req := request(t)
	pid := start(t, req, "bye")
	for alive(pid) {
		time.Sleep(time.Millisecond)
	}
	if err := Finish(t.Context(), req, "dummy", "is gone, exiting"); err != nil {
		t.Error(err)
	}
}

func TestFind(t *testing.T) {
	first, second := t.TempDir(), t.TempDir()
	put := func(dir, name string, mode os.FileMode) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	put(first, "plain", 0o644)
	want := put(second, "plain", 0o755)
	put(first, "loose", 0o777)
	if err := os.Mkdir(filepath.Join(first, "dir"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ name, path, err, hint string }{
		{"plain", want, "", ""},
		{"loose", "", "run " + first + "/loose: others can write the file", "chown root and chmod go-w"},
		{"dir", "", "find dir: not installed", "apt install debian-package"},
		{"nosuch", "", "find nosuch: not installed", "apt install debian-package"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			path, err := Program{tt.name, "debian-package"}.findIn([]string{first, second})
			if path != tt.path {
				t.Errorf("path %q, want %q", path, tt.path)
			}
			if err == nil && tt.err == "" {
				return
			}
			var d *ns.Diagnostic
			if !errors.As(err, &d) || d.Summary != tt.err || !strings.Contains(d.Hint, tt.hint) {
				t.Errorf("got %+v, want %q", d, tt.err)
			}
		})
	}
	if os.Geteuid() == 0 {
		path := put(second, "foreign", 0o755)
		if err := os.Chown(path, 61000, 61000); err != nil {
			t.Fatal(err)
		}
		if _, err := (Program{"foreign", "x"}).findIn([]string{second}); err == nil || !strings.Contains(err.Error(), "belongs to user 61000") {
			t.Errorf("got %v", err)
		}
	}
}

func TestCheckSeesTheHelper(t *testing.T) {
	req := request(t)
	pid := start(t, req, "well")
	if d := Check(req, "dummy"); d.Severity != ns.Notice {
		t.Errorf("alive: %+v", d)
	}
	if err := Finish(context.Background(), req, "dummy", ""); err != nil {
		t.Fatal(err)
	}
	want := fmt.Sprintf("helper dummy: process %d has ended", pid)
	if d := Check(req, "dummy"); d.Severity != ns.Error || d.Summary != want {
		t.Errorf("gone: %+v; want %s", d, want)
	}
}
