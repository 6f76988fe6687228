// SPDX-License-Identifier: Apache-2.0

package stage

import (
	"bufio"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"testing"

	"github.com/nsrun/nsrun/ns"
	"golang.org/x/sys/unix"
)

// catcher is a command that prints the number of each signal that it gets.
func catcher() []string {
	var b strings.Builder
	for sig := 1; sig <= 64; sig++ {
		switch unix.Signal(sig) {
		case unix.SIGKILL, unix.SIGSTOP, unix.SIGCHLD, 32, 33: // the shell can't trap 32 and 33
		default:
			fmt.Fprintf(&b, "trap 'echo %d' %d\n", sig, sig)
		}
	}
	// Traps run between two commands, and interrupt wait.
	b.WriteString("sleep 1000 & echo up; while :; do wait; done")
	return []string{"/bin/bash", "-c", b.String()}
}

func TestSignalsThatAreSentReachTheCommand(t *testing.T) {
	needRoot(t)
	// Under nohup(1) it is ignored, and what is started inherits that: a shell can't trap it.
	signal.Notify(make(chan os.Signal, 1), unix.SIGHUP)
	t.Cleanup(func() { signal.Reset(unix.SIGHUP) })
	withAndWithoutInit(t, func(t *testing.T, o order) {
		r := newRun(t, o, catcher()...)
		out, _ := r.started(t)
		for sig := unix.Signal(1); sig <= 64; sig++ {
			switch sig {
			case unix.SIGKILL, unix.SIGSTOP, unix.SIGCHLD, 32, 33:
				continue
			}
			if err := r.Process.Signal(sig); err != nil {
				t.Fatal(err)
			}
			if got := readLine(t, out); got != fmt.Sprint(int(sig)) {
				t.Fatalf("sent %d, the command got %s", sig, got)
			}
			resume(t, r, out, sig)
		}
	})
}

// resume continues a front that a stop signal was sent to, which must have
// stopped by itself.
func resume(t *testing.T, r *run, out *bufio.Reader, sig unix.Signal) {
	t.Helper()
	switch sig {
	case unix.SIGTSTP, unix.SIGTTIN, unix.SIGTTOU:
		awaitState(t, r.Process.Pid, "T")
		if err := r.Process.Signal(unix.SIGCONT); err != nil {
			t.Fatal(err)
		}
		if got := readLine(t, out); got != fmt.Sprint(int(unix.SIGCONT)) {
			t.Fatalf("continued, the command got %s", got)
		}
	}
}

// awaitState waits until a process is in a state; proc(5).
func awaitState(t *testing.T, pid int, want string) {
	t.Helper()
	await(t, func() (bool, string) {
		status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
		if err != nil {
			t.Fatal(err)
		}
		state := statusField(string(status), "State")
		return strings.HasPrefix(state, want), fmt.Sprintf("process %d isn't in state %s: %s", pid, want, state)
	})
}

func TestASignalWithoutAHandlerEndsTheCommandUnderAnInit(t *testing.T) {
	needRoot(t)
	o := order{Config: Config{Kinds: []ns.Kind{ns.PID}, Steps: plan(ns.Step{Op: ns.OpInit})}}
	r := newRun(t, o, sh("echo up; exec sleep 1000")...)
	out, _ := r.started(t)
	if err := r.Process.Signal(unix.SIGTERM); err != nil {
		t.Fatal(err)
	}
	expectEnd(t, out)
	_ = r.Wait()
	if got := r.ProcessState.ExitCode(); got != 128+int(unix.SIGTERM) {
		t.Errorf("exit status %d", got)
	}
}

// "kill 0" of a command signals its whole process group, in which the front is too.
func TestASignalFromInsideIsNotSentBack(t *testing.T) {
	needRoot(t)
	script := "n=0; trap 'n=$((n+1)); echo $n' TERM; kill 0; sleep 0.3; echo end"
	r := newRun(t, order{}, sh(script)...)
	r.SysProcAttr = &unix.SysProcAttr{Setpgid: true}
	if out, stderr, status := r.result(t); out != "1\nend\n" || status != 0 {
		t.Errorf("status %d, got %q, %q", status, out, stderr)
	}
}
