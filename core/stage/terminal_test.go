// SPDX-License-Identifier: Apache-2.0

package stage

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nsrun/nsrun/ns"
	"golang.org/x/sys/unix"
)

// session is a program on a terminal of its own, of which it is the session leader.
type session struct {
	t      *testing.T
	master *os.File
	device uint64          // the terminal's, as proc_pid_stat(5) has it
	output strings.Builder // what the terminal showed since the last expect
	lines  chan string
}

// newSession starts argv on a new terminal.
func newSession(t *testing.T, argv ...string) *session {
	t.Helper()
	master, slave := openTerminal(t)
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = slave, slave, slave
	cmd.Env = []string{"PATH=/usr/bin:/bin", "PS1=prompt> ", "TERM=dumb", "HISTFILE="}
	cmd.SysProcAttr = &unix.SysProcAttr{Setsid: true, Setctty: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var st unix.Stat_t
	if err := unix.Fstat(int(slave.Fd()), &st); err != nil {
		t.Fatal(err)
	}
	_ = slave.Close()
	s := &session{t: t, master: master, device: st.Rdev, lines: make(chan string, 1000)}
	go s.read()
	t.Cleanup(func() {
		if group, err := unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPGRP); err == nil && group > 1 {
			_ = unix.Kill(-group, unix.SIGKILL)
		}
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		_ = master.Close()
	})
	return s
}

func openTerminal(t *testing.T) (master, slave *os.File) {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		skip(t, "needs /dev/ptmx: "+err.Error())
	}
	var n int
	if err := unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	if n, err = unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN); err != nil {
		t.Fatal(err)
	}
	slave, err = os.OpenFile(fmt.Sprint("/dev/pts/", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	return master, slave
}

func (s *session) read() {
	buf := make([]byte, 4096)
	for {
		n, err := s.master.Read(buf)
		if n > 0 {
			s.lines <- string(buf[:n])
		}
		if err != nil {
			close(s.lines)
			return
		}
	}
}

// expect waits until the terminal shows text, and returns what it showed before.
func (s *session) expect(text string) string {
	s.t.Helper()
	for deadline := time.After(time.Minute); ; {
		if before, after, ok := strings.Cut(s.output.String(), text); ok {
			s.output.Reset()
			s.output.WriteString(after)
			return before
		}
		select {
		case more, ok := <-s.lines:
			if !ok {
				s.t.Fatalf("the terminal shows %q, and not %q", s.output.String(), text)
			}
			s.output.WriteString(more)
		case <-deadline:
			s.t.Fatalf("the terminal shows %q, and not %q", s.output.String(), text)
		}
	}
}

func (s *session) typeIn(keys string) {
	s.t.Helper()
	if _, err := s.master.WriteString(keys); err != nil {
		s.t.Fatal(err)
	}
}

// awaitStop waits until every process called name on the terminal is stopped: one that
// has the signal and hasn't got to run yet would still take keys from the terminal.
func (s *session) awaitStop(name string) {
	s.t.Helper()
	await(s.t, func() (bool, string) {
		states := s.states(name)
		return states != "" && strings.Trim(states, "T") == "", fmt.Sprintf("%s on the terminal isn't stopped: %q", name, states)
	})
}

// states returns the state letters of the processes called name on the terminal; proc_pid_stat(5).
func (s *session) states(name string) (letters string) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		s.t.Fatal(err)
	}
	for _, e := range entries {
		stat, _ := os.ReadFile(filepath.Join("/proc", e.Name(), "stat"))
		_, rest, ours := strings.Cut(string(stat), "("+name+") ")
		if f := strings.Fields(rest); ours && f[4] == fmt.Sprint(s.device) {
			letters += f[0]
		}
	}
	return letters
}

// script writes a shell script that runs a front, and returns its path.
func script(t *testing.T, o order, argv ...string) string {
	t.Helper()
	r := newRun(t, o, argv...)
	path := filepath.Join(t.TempDir(), "run")
	text := fmt.Sprintf("#!/bin/bash\nexec 3<%s\n%s\n", r.ExtraFiles[0].Name(), execFront(t))
	if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

const ctrlC, ctrlZ, ctrlBackslash = "\x03", "\x1a", "\x1c"

func TestKeysReachTheCommandOnce(t *testing.T) {
	needRoot(t)
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	withAndWithoutInit(t, func(t *testing.T, o order) {
		o.Command.Env = []string{catcherVar + "=1"}
		s := newSession(t, "/bin/bash", "--norc", "-i")
		s.expect("prompt> ")
		s.typeIn(script(t, o, exe) + "\n")
		s.expect("up\r\n")
		for range 5 {
			s.typeIn(ctrlC)
			s.expect("2\r\n")
			time.Sleep(30 * time.Millisecond) // a second one would come by now
			s.typeIn(ctrlBackslash)
			if before := s.expect("3\r\n"); strings.Contains(before, "2") {
				t.Errorf("one key came twice: %q", before)
			}
		}
	})
}

func TestJobControl(t *testing.T) {
	needRoot(t)
	withAndWithoutInit(t, func(t *testing.T, o order) {
		run := script(t, o, sh("echo up; read line; echo read $line; exit 6")...)
		s := newSession(t, "/bin/bash", "--norc", "-i")
		s.expect("prompt> ")
		s.typeIn(run + "\n")
		s.expect("up\r\n")
		s.typeIn(ctrlZ)
		s.expect("Stopped")
		s.expect("prompt> ")
		s.awaitStop("sh")
		s.typeIn("jobs -l\n")
		s.expect("Stopped")
		s.typeIn("fg\n")
		s.expect(run)
		s.typeIn("hello\n")
		s.expect("read hello\r\n")
		s.expect("prompt> ")
		s.typeIn("echo status $?\n")
		s.expect("status 6\r\n")
	})
}

func TestReadingInTheBackgroundStopsTheJob(t *testing.T) {
	needRoot(t)
	run := script(t, order{Config: Config{Kinds: []ns.Kind{ns.UTS}}}, sh("read line; echo got $line")...)
	s := newSession(t, "/bin/bash", "--norc", "-i")
	s.expect("prompt> ")
	s.typeIn(run + " &\n")
	// The shell has a look at its jobs before it prompts.
	s.typeIn("until jobs -s | grep -q .; do sleep 0.05; done; jobs\n")
	s.expect("Stopped")
	s.typeIn("fg\n")
	s.expect(run)
	s.typeIn("text\n")
	s.expect("got text\r\n")
}

func TestTheTerminalIsAsBefore(t *testing.T) {
	needRoot(t)
	withAndWithoutInit(t, func(t *testing.T, o order) {
		run := script(t, o, sh("stty raw -echo; kill -9 $$; exit 3")...)
		s := newSession(t, "/bin/sh", "-c", "stty -g; "+run+"; stty -g; echo end")
		modes := strings.Split(strings.ReplaceAll(s.expect("end"), "\r", ""), "\n")
		if len(modes) < 2 || modes[0] != modes[len(modes)-2] {
			t.Errorf("got %q", modes)
		}
	})
}

// An interactive shell takes the terminal for a process group of its own, and
// can't give it back when it is killed.
func TestTheForegroundIsTakenBack(t *testing.T) {
	needRoot(t)
	o := order{Config: Config{Kinds: []ns.Kind{ns.PID}, Steps: plan(ns.Step{Op: ns.OpInit})}}
	run := script(t, o, "/bin/bash", "--norc", "-i", "-c", "kill -9 $$")
	s := newSession(t, "/bin/sh", "-c", "trap '' TTOU; "+run+"; echo $?; [ $(ps -o tpgid= -p $$) -eq $(ps -o pgid= -p $$) ] && echo mine; ps -o pgid,tpgid -p $$; echo end")
	if out := s.expect("end"); !strings.Contains(out, "137\r\nmine") {
		t.Errorf("got %q", out)
	}
}

// A job in the background must leave the terminal to the one in front.
func TestTheTerminalOfOthersIsLeftAlone(t *testing.T) {
	needRoot(t)
	run := script(t, order{Config: Config{Kinds: []ns.Kind{ns.UTS}}}, sh("echo up; sleep 0.3")...)
	s := newSession(t, "/bin/bash", "--norc", "-i")
	s.expect("prompt> ")
	s.typeIn(run + "\n")
	s.expect("up\r\n")
	s.typeIn(ctrlZ)
	s.expect("Stopped")
	s.typeIn("bg; stty -echo; wait; stty -a | grep -o -- '-echo '; echo end$((1+1))\n")
	if out := s.expect("end2"); !strings.Contains(out, "-echo \r\n") {
		t.Errorf("got %q", out)
	}
}
