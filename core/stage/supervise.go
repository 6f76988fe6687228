// SPDX-License-Identifier: Apache-2.0

package stage

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"syscall"
	"unsafe"

	"github.com/nsrun/nsrun/core/stage/relay"
	"github.com/nsrun/nsrun/internal/footprint"
	"github.com/nsrun/nsrun/internal/procfs"
	"golang.org/x/sys/unix"
)

// Wait supervises the command until it has ended: it passes on the signals that
// processes send to this one, stops with the command when the terminal says so,
// and puts the terminal back into its old state at the end. It returns the
// command's exit status, or 128 and the number of the signal that killed it.
// Whenever nothing has happened for a second, rest is called, and this process
// gives back its code until something does.
func (c *Child) Wait(rest func()) (int, error) {
	defer c.giveBack()
	c.console.open()
	patience := restAfter
	for {
		quiet, ended, err := c.await(patience)
		if err != nil {
			return 0, err
		}
		if quiet && c.console.patience(patience) == patience {
			rest()
			patience = -1
		} else {
			patience = restAfter
		}
		c.console.lookForForeground()
		c.lookForStop()
		for sig, ok := c.signals.Next(); ok; sig, ok = c.signals.Next() {
			c.handle(sig)
		}
		if ended {
			return c.process.Wait()
		}
	}
}

// restAfter is how long nothing has to happen until the run is at rest, in
// milliseconds.
const restAfter = 1000

// await sleeps until there are signals, the child or a watched process has ended, or
// none of that for patience milliseconds; -1 means for ever. What ends together with
// the child is none to tell of: a helper may well see its end.
func (c *Child) await(patience int) (quiet, ended bool, err error) {
	fds := append(make([]unix.PollFd, 0, 4),
		unix.PollFd{Fd: int32(c.process.FD), Events: unix.POLLIN}, // pidfd_open(2): readable when the process has ended
		unix.PollFd{Fd: int32(c.signals.FD()), Events: unix.POLLIN})
	if c.console != nil {
		more := c.console.pollFds()
		fds = append(fds, more[:]...)
	}
	watched := len(fds)
	for _, w := range c.watched {
		fds = append(fds, unix.PollFd{Fd: int32(w.fd), Events: unix.POLLIN})
	}
	n, err := sleep(fds, c.console.patience(patience))
	if err != nil && !errors.Is(err, unix.EINTR) {
		return false, false, fmt.Errorf("wait for process %d: %w", c.PID(), err)
	}
	if c.console != nil && n > 0 {
		c.console.pump(fds[2], fds[3])
	}
	if ended = fds[0].Revents != 0; !ended && len(c.watched) > 0 {
		c.tellEnded(fds[watched:])
	}
	return n == 0, ended, nil
}

// sleep is poll(2). Before it sleeps for as long as it may take, it gives back the
// program's code. Of what runs from there on the kernel maps whole folios again, up to
// 256 KiB for one function, so that is as little as can be.
func sleep(fds []unix.PollFd, patience int) (int, error) {
	if patience >= 0 {
		return unix.Poll(fds, patience)
	}
	footprint.Rest()
	n, _, errno := syscall.Syscall6(unix.SYS_PPOLL, uintptr(unsafe.Pointer(&fds[0])), uintptr(len(fds)), 0, 0, 0, 0)
	if errno != 0 {
		return -1, errno
	}
	return int(n), nil
}

// handle passes on a signal that was sent. One that the terminal made has gone
// to the whole process group, and so to the command.
func (c *Child) handle(sig relay.Signal) {
	switch {
	case sig.Sent && sig.PID == unix.Getpid(): // of suspend
	case sig.Sent && !c.isInside(sig.PID):
		_ = unix.PidfdSendSignal(c.process.FD, sig.Number, nil, 0)
	case !sig.Sent && c.console != nil && ofTerminal[sig.Number]:
		c.console.signalJob(sig.Number)
	}
	switch sig.Number {
	case unix.SIGWINCH:
		c.console.resize()
	case unix.SIGCONT:
		c.resume()
	case unix.SIGTSTP, unix.SIGTTIN, unix.SIGTTOU:
		// The shell waits for this process to stop, and will continue it
		// together with the command.
		if c.program.first && byDefault(c.PID(), sig.Number) {
			// A first process is spared the default action of every signal but a
			// SIGSTOP from outside; pid_namespaces(7).
			_ = unix.PidfdSendSignal(c.process.FD, unix.SIGSTOP, nil, 0)
		}
		c.stop(sig.Number)
	}
}

// ofTerminal are the signals that a terminal sends to those in its foreground
// that a command on another terminal is to get too.
var ofTerminal = map[unix.Signal]bool{unix.SIGHUP: true, unix.SIGINT: true, unix.SIGQUIT: true}

// isInside reports whether pid is the child or descends from it. A signal from
// inside is not for the command: it is what reaches this process when something
// in the process group of both sends to the group, as "kill 0" does. From a PID
// namespace the kernel gives the sender's number in there, which says nothing
// here; the command then gets such a signal twice.
func (c *Child) isInside(pid int) bool {
	for range maxDepth {
		switch pid {
		case 0, 1:
			return false
		case c.PID():
			return true
		}
		pid = procfs.Parent(pid)
	}
	return false
}

// maxDepth bounds the way up from a process, whose ancestors may change on the way.
const maxDepth = 256

// byDefault reports whether the process pid neither ignores nor catches sig.
func byDefault(pid int, sig unix.Signal) bool {
	status := procfs.Status(pid)
	for _, value := range slices.Concat(status["SigIgn"], status["SigCgt"]) {
		if mask, err := strconv.ParseUint(value, 16, 64); err != nil || mask>>(sig-1)&1 != 0 {
			return false
		}
	}
	return true
}
