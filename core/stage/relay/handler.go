// SPDX-License-Identifier: Apache-2.0

//go:build amd64 || arm64

package relay

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// action is the kernel's struct sigaction; rt_sigaction(2).
type action struct {
	handler, flags, restorer, mask uint64
}

// saved are the actions before the relay.
type saved [lastSignal + 1]action

// What the handler reads. It is written before the handler is installed.
var (
	// pipe is the descriptor to write to.
	//lint:ignore U1000 used in assembly
	pipe int32
	// chain holds the runtime's handler of each signal that the runtime needs
	// for itself: faults, and what it sends to its own threads.
	chain [lastSignal + 1]uint64
	// self is the process id of this process.
	//lint:ignore U1000 used in assembly
	self int32
)

// runtimes are the signals in chain.
var runtimes = []syscall.Signal{
	unix.SIGILL, unix.SIGTRAP, unix.SIGBUS, unix.SIGFPE, unix.SIGSEGV, unix.SIGSYS,
	unix.SIGURG, unix.SIGPIPE, unix.SIGPROF,
}

// addresses returns where the handler and the function it returns to are.
func addresses() (handler, restorer uint64)

// Flags of rt_sigaction(2), the same on all architectures that this file is for.
const (
	saSiginfo  = 0x00000004
	saRestorer = 0x04000000
	saOnstack  = 0x08000000
	saRestart  = 0x10000000
	allSignals = ^uint64(0)
)

func (r *Relay) install() {
	pipe, self = int32(r.write), int32(unix.Getpid())
	for _, sig := range runtimes {
		sigaction(sig, nil, &r.old[sig])
		if h := r.old[sig].handler; h > 1 { // neither SIG_DFL nor SIG_IGN
			chain[sig] = h
		}
	}
	for sig := syscall.Signal(1); sig <= lastSignal; sig++ {
		if !left[sig] {
			r.catch(sig)
		}
	}
}

func (r *Relay) catch(sig syscall.Signal) {
	handler, restorer := addresses()
	act := action{handler: handler, flags: saSiginfo | saOnstack | saRestart, mask: allSignals}
	if restorer != 0 {
		act.flags, act.restorer = act.flags|saRestorer, restorer
	}
	sigaction(sig, &act, &r.old[sig])
}

func (r *Relay) remove() {
	for sig := syscall.Signal(1); sig <= lastSignal; sig++ {
		if !left[sig] {
			sigaction(sig, &r.old[sig], nil)
		}
	}
}

// Default has sig act on this process as it would without a relay: a stop
// signal stops it.
func (r *Relay) Default(sig syscall.Signal) {
	sigaction(sig, &r.old[sig], nil)
	// To this thread: such a signal has its effect before the call returns.
	_ = unix.Tgkill(unix.Getpid(), unix.Gettid(), sig)
	r.catch(sig)
}

func sigaction(sig syscall.Signal, act, old *action) {
	_, _, _ = unix.RawSyscall6(unix.SYS_RT_SIGACTION, uintptr(sig),
		uintptr(unsafe.Pointer(act)), uintptr(unsafe.Pointer(old)), 8, 0, 0)
}
