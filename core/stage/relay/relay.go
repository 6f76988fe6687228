// SPDX-License-Identifier: Apache-2.0

package relay

import (
	"fmt"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Signal is a signal that was caught.
type Signal struct {
	Number syscall.Signal
	// Sent says that a process sent it. Otherwise the terminal or the kernel did.
	Sent bool
	// PID is the process that sent it; 0 if that isn't known, or lives in a
	// PID namespace that can't be seen from here.
	PID int
}

// Relay catches signals until it is stopped. There can be one in a process.
type Relay struct {
	read, write int
	old         saved
}

// lastSignal is the greatest number of a signal; signal(7).
const lastSignal = 64

// left are the signals that stay as they are: two can't be caught, and SIGCHLD
// tells about the child and isn't meant for it.
var left = map[syscall.Signal]bool{unix.SIGKILL: true, unix.SIGSTOP: true, unix.SIGCHLD: true}

// info is siginfo_t as far as it is read here; sigaction(2).
type info struct {
	signo, errno, code, _ int32
	pid                   int32
	_                     [27]int32
}

// Start catches all signals from now on.
func Start() (*Relay, error) {
	var pipe [2]int
	if err := unix.Pipe2(pipe[:], unix.O_CLOEXEC|unix.O_NONBLOCK); err != nil {
		return nil, fmt.Errorf("make a pipe for signals: %w", err)
	}
	r := &Relay{read: pipe[0], write: pipe[1]}
	r.install()
	return r, nil
}

// FD returns a descriptor that can be read from, as poll(2) tells, when there is
// a signal.
func (r *Relay) FD() int { return r.read }

// Next returns the next signal that was caught, and false if there is none.
func (r *Relay) Next() (Signal, bool) {
	var si info
	buf := unsafe.Slice((*byte)(unsafe.Pointer(&si)), unsafe.Sizeof(si))
	n, err := unix.Read(r.read, buf)
	if err != nil || n != len(buf) {
		return Signal{}, false
	}
	s := Signal{Number: syscall.Signal(si.signo), Sent: si.code <= 0 && si.code != timer}
	if s.Sent {
		s.PID = int(si.pid)
	}
	return s, true
}

// timer is the code SI_TIMER: it comes from a timer of this process.
const timer = -2

// Stop leaves signals to the runtime again.
func (r *Relay) Stop() {
	r.remove()
	_ = unix.Close(r.read)
	_ = unix.Close(r.write)
}
