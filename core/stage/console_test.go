// SPDX-License-Identifier: Apache-2.0

package stage

import (
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/nsrun/nsrun/ns"
	"golang.org/x/sys/unix"
)

// withConsole has the command of o get a terminal of its own.
func withConsole(o order) order {
	o.Command.Console = true
	return o
}

func withShell(t *testing.T) *session {
	t.Helper()
	s := newSession(t, "/bin/bash", "--norc", "-i")
	s.expect("prompt> ")
	return s
}

func TestAConsoleRelaysBothWays(t *testing.T) {
	needRoot(t)
	withAndWithoutInit(t, func(t *testing.T, o order) {
		run := script(t, withConsole(o), sh("tty; : </dev/tty && echo controlling; stty -a | grep -o ' echo '; read line; echo got $line; exit 7")...)
		s := withShell(t)
		s.typeIn("tty; " + run + "; echo status $?\n")
		outer := s.expect("controlling")
		if names := strings.Split(outer, "/dev/pts/"); len(names) < 3 || names[len(names)-1] == names[len(names)-2] {
			t.Errorf("the command has the caller's terminal: %q", outer)
		}
		s.expect(" echo ")
		s.typeIn("hello\n")
		s.expect("got hello\r\n")
		s.expect("status 7\r\n")
		s.typeIn("stty -a | grep -o ' icanon '\n")
		s.expect(" icanon \r\n")
	})
}

func TestAllOutputComesThroughAConsole(t *testing.T) {
	needRoot(t)
	run := script(t, withConsole(order{}), sh("seq 20000; echo done")...)
	s := newSession(t, "/bin/sh", "-c", run+"; echo status $?")
	out := s.expect("status 0")
	if lines := strings.Count(out, "\r\n"); lines != 20001 || !strings.Contains(out, "20000\r\ndone\r\n") {
		t.Errorf("%d lines, the last of them %q", lines, out[max(0, len(out)-40):])
	}
}

func TestKeysOfAConsoleAreSignals(t *testing.T) {
	needRoot(t)
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	withAndWithoutInit(t, func(t *testing.T, o order) {
		o.Command.Env = []string{catcherVar + "=1"}
		s := withShell(t)
		s.typeIn(script(t, withConsole(o), exe) + "\n")
		s.expect("up\r\n")
		s.typeIn(ctrlC)
		s.expect("2\r\n")
		s.typeIn(ctrlBackslash)
		s.expect("3\r\n")
	})
}

func TestTheSizeOfAConsoleFollows(t *testing.T) {
	needRoot(t)
	withAndWithoutInit(t, func(t *testing.T, o order) {
		run := script(t, withConsole(o), sh("trap 'stty size' WINCH; stty size; echo up; while :; do sleep 0.05; done")...)
		s := withShell(t)
		s.typeIn("stty rows 11 cols 33; " + run + "\n")
		s.expect("11 33\r\nup\r\n")
		if err := unix.IoctlSetWinsize(int(s.master.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: 44, Col: 55}); err != nil {
			t.Fatal(err)
		}
		s.expect("44 55\r\n")
	})
}

func TestCtrlZSuspendsBothSidesOfAConsole(t *testing.T) {
	needRoot(t)
	withAndWithoutInit(t, func(t *testing.T, o order) {
		run := script(t, withConsole(o), sh("echo up; read line; echo read $line; exit 6")...)
		s := withShell(t)
		s.typeIn(run + "\n")
		s.expect("up\r\n")
		s.typeIn(ctrlZ)
		s.expect("Stopped")
		s.expect("prompt> ")
		s.typeIn("stty -a | grep -o ' icanon '\n")
		s.expect(" icanon \r\n")
		s.typeIn("fg\n")
		s.expect(run)
		s.typeIn("hello\n")
		s.expect("read hello\r\n")
		s.expect("prompt> ")
		s.typeIn("echo status $?\n")
		s.expect("status 6\r\n")
	})
}

// An editor catches the key, puts its screen in order, and stops itself.
func TestAnEditorIsSuspendedOnAConsole(t *testing.T) {
	needRoot(t)
	o := order{Config: Config{Kinds: []ns.Kind{ns.PID}, Steps: plan(ns.Step{Op: ns.OpInit})}}
	run := script(t, withConsole(o), "/usr/bin/python3", "-c", `
import os, signal, time
def stop(*_):
    os.write(1, b"in order\n")
    signal.signal(signal.SIGTSTP, signal.SIG_DFL)
    os.kill(os.getpid(), signal.SIGTSTP)
    os.write(1, b"back\n")
signal.signal(signal.SIGTSTP, stop)
print("up", flush=True)
while True: time.sleep(0.01)`)
	s := withShell(t)
	s.typeIn(run + "\n")
	s.expect("up\r\n")
	s.typeIn(ctrlZ)
	s.expect("in order")
	s.expect("Stopped")
	s.expect("prompt> ")
	s.typeIn("fg\n")
	s.expect("back\r\n")
}

// A shell inside has jobs of its own, which are nothing to the one outside.
func TestAShellOnAConsoleKeepsItsJobs(t *testing.T) {
	needRoot(t)
	withAndWithoutInit(t, func(t *testing.T, o order) {
		o.Command.Env = []string{"PATH=/usr/bin:/bin", "PS1=inner> ", "TERM=dumb", "HISTFILE="}
		run := script(t, withConsole(o), "/bin/bash", "--norc", "-i")
		s := withShell(t)
		s.typeIn(run + "\n")
		s.expect("inner> ")
		s.typeIn(`sh -c 'echo in front""; exec sleep 1000'` + "\n")
		s.expect("in front\r\n") // as a job in the foreground says
		s.typeIn(ctrlZ)
		if out := s.expect("inner> "); !strings.Contains(out, "Stopped") {
			t.Errorf("got %q", out)
		}
		s.typeIn("exit\n")
		s.expect("stopped jobs")
		s.typeIn("exit 5\n")
		s.expect("prompt> ")
		s.typeIn("echo status $?\n")
		s.expect("status 5\r\n")
	})
}

func TestAConsoleInTheBackgroundTakesNoKeys(t *testing.T) {
	needRoot(t)
	run := script(t, withConsole(order{}), sh("echo up; sleep 0.3; read line; echo got $line")...)
	s := withShell(t)
	s.typeIn("stty tostop; " + run + " & read mine; echo mine $mine\n")
	s.expect("up\r")
	s.typeIn("first\n")
	s.expect("mine first\r\n")
	s.typeIn("fg\n")
	s.expect(run)
	s.typeIn("second\n")
	s.expect("got second\r\n")
}

// Nothing that the command can do reaches the terminal of its caller.
func TestNothingIsTypedThroughAConsole(t *testing.T) {
	needRoot(t)
	run := script(t, withConsole(order{}), "/usr/bin/python3", "-c", `
import fcntl
for key in b"echo injected\n":
    for request in (0x5412, 0x541C): # TIOCSTI, TIOCLINUX
        try: fcntl.ioctl(0, request, bytes([key]))
        except OSError: pass
print("tried", flush=True)`)
	s := withShell(t)
	s.typeIn(run + "\n")
	s.expect("tried\r\n")
	s.expect("prompt> ")
	s.typeIn("echo end$((1+1))\n")
	if out := s.expect("end2"); strings.Contains(out, "\ninjected") {
		t.Errorf("got %q", out)
	}
}

func TestTheTerminalIsPutRightAfterAKill(t *testing.T) {
	needRoot(t)
	run := script(t, withConsole(order{}), sh("echo up $PPID; sleep 1000")...)
	// A shell without job control puts no terminal right by itself.
	s := newSession(t, "/bin/sh", "-c", run+"; sleep 1000")
	s.expect("up ")
	pid, err := strconv.Atoi(strings.TrimSpace(s.expect("\r\n")))
	if err != nil {
		t.Fatal(err)
	}
	waitForModes(t, s.master, false)
	if err := unix.Kill(pid, unix.SIGKILL); err != nil {
		t.Fatal(err)
	}
	waitForModes(t, s.master, true)
}

// waitForModes waits until the terminal edits lines, or doesn't.
func waitForModes(t *testing.T, terminal *os.File, lines bool) {
	t.Helper()
	for range 3000 {
		modes, err := unix.IoctlGetTermios(int(terminal.Fd()), unix.TCGETS)
		if err != nil {
			t.Fatal(err)
		}
		if (modes.Lflag&unix.ICANON != 0) == lines {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("the terminal's modes didn't change")
}

func TestAConsoleNeedsATerminal(t *testing.T) {
	r := newRun(t, withConsole(order{}), "/bin/true")
	if err := r.Run(); err == nil || !strings.Contains(r.err.String(), "standard input is no terminal") {
		t.Errorf("got %v: %s", err, r.err.String())
	}
}

// What is redirected stays so: a terminal takes the place of a terminal alone.
func TestAConsoleLeavesFilesAlone(t *testing.T) {
	needRoot(t)
	file := t.TempDir() + "/out"
	run := script(t, withConsole(order{}), sh("echo text; tty <&2 >&2")...)
	s := newSession(t, "/bin/sh", "-c", run+" >"+file+"; echo end")
	if out := s.expect("end"); !strings.Contains(out, "/dev/pts/") {
		t.Errorf("got %q", out)
	}
	if text, err := exec.Command("cat", file).Output(); string(text) != "text\n" {
		t.Errorf("got %q, %v", text, err)
	}
}
