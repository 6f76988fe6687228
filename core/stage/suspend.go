// SPDX-License-Identifier: Apache-2.0

package stage

import (
	"strings"
	"time"

	"github.com/nsrun/nsrun/internal/procfs"
	"golang.org/x/sys/unix"
)

// suspicion is that the command is about to stop, because the key was typed that
// asks for it. Nobody tells: it is not a child of this process, and catches
// the signal first if it is an editor. So this process looks again and again.
type suspicion struct{ until time.Time }

// A suspicion ends after a while. What stops only then has this process go on.
const (
	suspicionLasts = 3 * time.Second
	suspicionLooks = 10 // milliseconds between two looks
)

func (s *suspicion) begin()      { s.until = time.Now().Add(suspicionLasts) }
func (s *suspicion) end()        { s.until = time.Time{} }
func (s *suspicion) there() bool { return !s.until.IsZero() }

// patience returns how long to wait for something to happen, in milliseconds,
// where it would be ms without a console.
func (c *Console) patience(ms int) int {
	switch {
	case c == nil || c.in && !c.suspicion.there():
		return ms
	case c.in:
		return suspicionLooks
	}
	return foregroundLooks
}

// foregroundLooks is how often a job in the background looks whether it has come to the
// foreground, in milliseconds: a shell doesn't tell one that has been running.
const foregroundLooks = 250

// lookForForeground takes the keys once this process is in the foreground.
func (c *Console) lookForForeground() {
	if c != nil && !c.in && foreground() {
		c.enter()
	}
}

// lookForStop suspends this process when the command has stopped at the user's
// wish. An interactive shell inside takes its own terminal back when its job
// stops, and stays in the foreground.
func (c *Child) lookForStop() {
	s := c.console
	if s == nil || !s.suspicion.there() {
		return
	}
	group, err := unix.IoctlGetInt(s.master, unix.TIOCGPGRP)
	switch {
	case err != nil || time.Now().After(s.suspicion.until):
		s.suspicion.end()
	case group != s.job || len(s.keys) > 0:
	case isStopped(s.job):
		s.suspicion.end()
		c.suspend()
	case s.job == c.PID() && byDefault(s.job, unix.SIGTSTP):
		// The group of a session's first process has nobody in its session who could
		// let it go on, and the kernel spares it the signal; setpgid(2), "orphaned".
		s.signalJob(unix.SIGSTOP)
	}
}

// isStopped reports whether the process pid is.
func isStopped(pid int) bool {
	stat := procfs.Read(pid, "stat")
	return strings.HasPrefix(stat[strings.LastIndexByte(stat, ')')+1:], " T")
}

// suspend stops this process and its process group, as the terminal would have.
func (c *Child) suspend() {
	c.console.drain()
	_ = unix.Kill(0, unix.SIGTSTP)
}

// stop stops this process until the shell lets it go on, with the caller's terminal as it was.
func (c *Child) stop(sig unix.Signal) {
	c.console.leave()
	c.signals.Default(sig)
	c.console.enter()
}

// resume lets the command go on after this process has been told to.
func (c *Child) resume() {
	if c.console == nil {
		return
	}
	c.console.enter()
	c.console.signalJob(unix.SIGCONT)
}
