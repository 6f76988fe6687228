// SPDX-License-Identifier: Apache-2.0

package stage

import (
	"golang.org/x/sys/unix"
)

// terminal is the state of the caller's terminal before the command got it.
type terminal struct {
	modes unix.Termios
	group int // the process group that was in the foreground
}

// saveTerminal returns the state of the terminal that standard input is, or nil
// if it is none, or if this process is in its background and so has no business
// with it.
func saveTerminal() *terminal {
	modes, err := unix.IoctlGetTermios(0, unix.TCGETS)
	if err != nil {
		return nil
	}
	group, err := unix.IoctlGetInt(0, unix.TIOCGPGRP)
	if err != nil || group != unix.Getpgrp() {
		return nil
	}
	return &terminal{modes: *modes, group: group}
}

// restore puts the terminal back into the saved state, unless it belongs to
// somebody else by now.
func (t *terminal) restore() {
	if t == nil {
		return
	}
	// Changing a terminal from its background raises SIGTTOU, which would stop
	// this process, unless it is blocked; tcsetpgrp(3).
	old := block(unix.SIGTTOU)
	defer unblock(old)
	if !t.reclaim() {
		return
	}
	if now, err := unix.IoctlGetTermios(0, unix.TCGETS); err == nil && *now != t.modes {
		_ = unix.IoctlSetTermios(0, unix.TCSETS, &t.modes)
	}
}

// reclaim brings this process back to the foreground if the group there is
// dead, as an interactive shell leaves it that was killed. It reports whether
// this process is in the foreground.
func (t *terminal) reclaim() bool {
	group, err := unix.IoctlGetInt(0, unix.TIOCGPGRP)
	if err != nil {
		return false
	}
	if group != t.group && unix.Kill(-group, 0) == unix.ESRCH {
		if unix.IoctlSetPointerInt(0, unix.TIOCSPGRP, t.group) == nil {
			return true
		}
	}
	return group == t.group
}

// block blocks signals in this thread and returns the mask that there was.
func block(signals ...unix.Signal) (old unix.Sigset_t) {
	var set unix.Sigset_t
	for _, sig := range signals {
		set.Val[0] |= 1 << (sig - 1)
	}
	_ = unix.PthreadSigmask(unix.SIG_BLOCK, &set, &old)
	return old
}

func unblock(old unix.Sigset_t) { _ = unix.PthreadSigmask(unix.SIG_SETMASK, &old, nil) }
