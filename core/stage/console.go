// SPDX-License-Identifier: Apache-2.0

package stage

import (
	"errors"
	"fmt"

	"github.com/nsrun/nsrun/ns"
	"golang.org/x/sys/unix"
)

// Console is a terminal of the command's own, in front of the caller's: what is
// typed there and shown here passes through this process. The command never has a
// descriptor of the caller's terminal, to which it could type (TIOCSTI and
// TIOCLINUX of ioctl_tty(2)) or whose modes it could leave in disorder. Its
// methods do nothing on nil.
type Console struct {
	// Path is the file of the terminal, as the host has it: /dev/pts/N.
	Path string

	master, slave int
	screen        int          // the descriptor that the caller's terminal is written to
	cooked        unix.Termios // the caller's modes
	in            bool         // keys are taken from the caller's terminal
	keys          []byte       // typed, and not taken by the command's terminal yet
	buf           [4096]byte
	job           int // the command's process group
	mask          *unix.Sigset_t
	guard         *survivor
	suspicion     suspicion
}

// OpenConsole makes a terminal with the size and the modes of the one that
// standard input is. It is a *ns.Diagnostic if that is none.
func OpenConsole() (*Console, error) {
	cooked, err := unix.IoctlGetTermios(0, unix.TCGETS)
	if err != nil {
		return nil, &ns.Diagnostic{Option: "tty", Summary: "--tty: standard input is no terminal",
			Hint: "--tty=auto, for a terminal of its own only where the caller has one"}
	}
	c := &Console{cooked: *cooked, screen: screenOf(), slave: -1}
	if c.master, err = unix.Open("/dev/ptmx", unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC|unix.O_NONBLOCK, 0); err != nil {
		return nil, &ns.Diagnostic{Option: "tty", Summary: fmt.Sprintf("--tty: open /dev/ptmx: %v", err), Hint: "--tty=never, which lends the command the caller's own terminal"}
	}
	if err := c.openSlave(); err != nil {
		c.Close()
		return nil, fmt.Errorf("make a terminal: %w", err)
	}
	return c, nil
}

// HasTerminal reports whether standard input is a terminal.
func HasTerminal() bool {
	_, err := unix.IoctlGetTermios(0, unix.TCGETS)
	return err == nil
}

// openSlave opens the command's side; pts(4). By TIOCGPTPEER, since its path
// may lead elsewhere where /dev/pts is another one's.
func (c *Console) openSlave() error {
	if err := unix.IoctlSetPointerInt(c.master, unix.TIOCSPTLCK, 0); err != nil {
		return err
	}
	n, err := unix.IoctlGetInt(c.master, unix.TIOCGPTN)
	if err != nil {
		return err
	}
	c.Path = fmt.Sprint("/dev/pts/", n)
	fd, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(c.master), unix.TIOCGPTPEER, unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC)
	if errno != 0 {
		return errno
	}
	c.slave = int(fd)
	c.resize()
	return unix.IoctlSetTermios(c.slave, unix.TCSETS, &c.cooked)
}

// screenOf returns a descriptor among the first three that is the terminal of
// standard input and can be written to: a shell opens that one for reading only
// where the caller said so.
func screenOf() int {
	for _, fd := range []int{1, 2} {
		if sameTerminal(fd) {
			return fd
		}
	}
	return 0
}

// sameTerminal reports whether fd is the terminal that standard input is.
func sameTerminal(fd int) bool {
	var a, b unix.Stat_t
	return unix.Fstat(0, &a) == nil && unix.Fstat(fd, &b) == nil && a.Rdev == b.Rdev && b.Mode&unix.S_IFMT == unix.S_IFCHR
}

// Lend calls f, which is to start the child, while the descriptors that are the
// caller's terminal are the command's: the child keeps these alone.
func (c *Console) Lend(f func() error) error {
	if c == nil {
		return f()
	}
	var own [3]bool
	for fd := range own {
		own[fd] = sameTerminal(fd)
	}
	var saved [3]int
	for fd := range saved {
		if !own[fd] {
			continue
		}
		var err error
		if saved[fd], err = unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 3); err != nil {
			return fmt.Errorf("keep the caller's terminal: %w", err)
		}
		defer func() {
			_ = unix.Dup3(saved[fd], fd, 0)
			_ = unix.Close(saved[fd])
		}()
		if err := unix.Dup3(c.slave, fd, 0); err != nil {
			return fmt.Errorf("lend the command its terminal: %w", err)
		}
	}
	return f()
}

// Attach gives the child, which was started while c was lent, its terminal to
// supervise. The child gives it back with all else.
func (c *Child) Attach(console *Console) { c.console = console }

// resize gives the command's terminal the size of the caller's; the kernel then
// sends SIGWINCH there.
func (c *Console) resize() {
	if c == nil {
		return
	}
	if size, err := unix.IoctlGetWinsize(0, unix.TIOCGWINSZ); err == nil {
		_ = unix.IoctlSetWinsize(c.slave, unix.TIOCSWINSZ, size)
	}
}

// open begins to relay, for a command that has just been executed.
func (c *Console) open() {
	if c == nil {
		return
	}
	c.job, _ = unix.IoctlGetInt(c.master, unix.TIOCGPGRP)
	// Output of a job in the background comes through all the same, and a change
	// of sides between a look and a read is no reason to stop; tcsetpgrp(3).
	old := block(unix.SIGTTOU, unix.SIGTTIN)
	c.mask = &old
	c.guard = startGuard(c)
	c.enter()
}

// enter takes the keys of the caller's terminal, if this process is in its foreground.
// All keys are for the command's terminal then, which knows what they mean.
func (c *Console) enter() {
	if c == nil {
		return
	}
	c.resize()
	if !foreground() {
		c.in = false
		return
	}
	raw := rawModes(c.cooked)
	_ = unix.IoctlSetTermios(0, unix.TCSETS, &raw)
	c.in = true
}

// leave puts the caller's terminal back into its old state, if it is in the
// hands of this process.
func (c *Console) leave() {
	if c == nil || !c.in {
		return
	}
	c.in = false
	if foreground() {
		_ = unix.IoctlSetTermios(0, unix.TCSETSW, &c.cooked)
	}
}

// foreground reports whether this process is in the foreground of the terminal
// that standard input is.
func foreground() bool {
	group, err := unix.IoctlGetInt(0, unix.TIOCGPGRP)
	return err == nil && group == unix.Getpgrp()
}

// rawModes returns modes in which a terminal passes on each key as it is; cfmakeraw of termios(3).
func rawModes(t unix.Termios) unix.Termios {
	t.Iflag &^= unix.IGNBRK | unix.BRKINT | unix.PARMRK | unix.ISTRIP | unix.INLCR | unix.IGNCR | unix.ICRNL | unix.IXON
	t.Oflag &^= unix.OPOST
	t.Lflag &^= unix.ECHO | unix.ECHONL | unix.ICANON | unix.ISIG | unix.IEXTEN
	t.Cflag = t.Cflag&^(unix.CSIZE|unix.PARENB) | unix.CS8
	t.Cc[unix.VMIN], t.Cc[unix.VTIME] = 1, 0
	return t
}

// Close shows what the command has still written, puts the caller's terminal
// back, and gives up the command's.
func (c *Console) Close() {
	if c == nil || c.master < 0 {
		return
	}
	c.drain()
	c.leave()
	c.guard.dismiss()
	if c.mask != nil {
		unblock(*c.mask)
	}
	_ = unix.Close(c.master)
	if c.slave >= 0 {
		_ = unix.Close(c.slave)
	}
	c.master, c.slave = -1, -1
}

// signalJob sends sig to the command's process group.
func (c *Console) signalJob(sig unix.Signal) {
	if c.job > 1 {
		_ = unix.Kill(-c.job, sig)
	}
}

// terminated reports whether err says that nothing more will come.
func terminated(err error) bool {
	return err != nil && !errors.Is(err, unix.EAGAIN) && !errors.Is(err, unix.EINTR)
}
