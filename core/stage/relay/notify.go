// SPDX-License-Identifier: Apache-2.0

//go:build !amd64 && !arm64

package relay

import (
	"os"
	"os/signal"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Without a handler of its own for an architecture, the relay takes what
// os/signal tells, and guesses who sent a signal from what terminals send.

// saved is where os/signal sends signals to.
type saved struct{ ch chan os.Signal }

func (r *Relay) install() {
	ch := make(chan os.Signal, 64)
	r.old.ch = ch
	signal.Notify(ch)
	go func() {
		for sig := range ch {
			r.put(sig.(syscall.Signal))
		}
	}()
}

// kernelCode is the code SI_KERNEL, which what the terminal sends has.
const kernelCode = 0x80

func (r *Relay) put(sig syscall.Signal) {
	if left[sig] || sig == unix.SIGURG {
		return
	}
	si := info{signo: int32(sig)}
	switch sig {
	case unix.SIGINT, unix.SIGQUIT, unix.SIGTSTP, unix.SIGTTIN, unix.SIGTTOU, unix.SIGWINCH:
		if foreground() {
			si.code = kernelCode
		}
	}
	_, _ = unix.Write(r.write, unsafe.Slice((*byte)(unsafe.Pointer(&si)), unsafe.Sizeof(si)))
}

// foreground reports whether this process is in the foreground of its terminal.
func foreground() bool {
	tty, err := unix.Open("/dev/tty", unix.O_RDONLY|unix.O_CLOEXEC|unix.O_NOCTTY, 0)
	if err != nil {
		return false
	}
	defer func() { _ = unix.Close(tty) }()
	group, err := unix.IoctlGetInt(tty, unix.TIOCGPGRP)
	return err == nil && group == unix.Getpgrp()
}

func (r *Relay) remove() {
	signal.Stop(r.old.ch)
	close(r.old.ch)
}

// Default has sig act on this process as it would without a relay: a stop
// signal stops it.
func (r *Relay) Default(sig syscall.Signal) {
	signal.Reset(sig)
	_ = unix.Tgkill(unix.Getpid(), unix.Gettid(), sig)
	signal.Notify(r.old.ch)
}
