// SPDX-License-Identifier: Apache-2.0

package machine

import (
	"cmp"
	"errors"
	"fmt"
	"sync"
	"syscall"
	"unsafe"

	"github.com/nsrun/nsrun/core/stage/program"
	"golang.org/x/sys/unix"
)

// Process is a child that waits for its program, or has got it.
type Process struct {
	// PID is its process id in the front's namespace.
	PID int
	// FD refers to it; pidfd_open(2).
	FD int

	open    sync.Mutex // held while FD is used or closed by Kill and Close
	base    uintptr    // where its image goes
	program int        // pipe; the child lives as long as this is open
	status  int        // pipe; -1 once it was read to its end
	unread  []byte     // what came from status and isn't looked at yet
	stamps  []Stamp    // what came from it on the way
	report  *Report    // what came from it at its end

	making  bool          // the child hasn't told what came of its namespaces
	refusal syscall.Errno // why it has none; 0 if it has, or hasn't told
}

// Clone makes a child for new namespaces, as flags (CLONE_NEW*) say, some of which it
// makes itself: see [Process.AwaitNamespaces]. It dies with the calling thread, which
// must therefore be locked and live on. It keeps the descriptor keep, unless that is
// 0, and none of the caller's others but the first three. The error is the errno of
// clone3(2), or what went wrong before it.
func Clone(flags uintptr, keep int) (*Process, error) {
	return newProcess(func(c *control) uintptr {
		c.keep, c.unshare = uintptr(keep), Unshared(flags)
		return flags &^ c.unshare
	})
}

// Unshared returns which of the namespaces a child makes itself, while the front goes on:
// the kernel takes half a millisecond for a network namespace. The others are those that a
// process can't make for itself, or is to own the rest by; unshare(2).
func Unshared(flags uintptr) uintptr {
	return flags & (unix.CLONE_NEWNS | unix.CLONE_NEWUTS | unix.CLONE_NEWIPC | unix.CLONE_NEWNET)
}

// CloneSurvivor makes a child in the caller's namespaces that doesn't die with
// it, but exits if it has no program by then.
func CloneSurvivor() (*Process, error) {
	return newProcess(func(c *control) uintptr {
		c.outlive = true
		return 0
	})
}

// newProcess makes a child with the flags that configure returns.
func newProcess(configure func(*control) (flags uintptr)) (*Process, error) {
	c, err := newArena()
	if err != nil {
		return nil, err
	}
	defer c.free()
	flags := configure(c)
	pipes, err := openPipes()
	if err != nil {
		return nil, err
	}
	c.in, c.out = uintptr(pipes[0]), uintptr(pipes[3])
	_, _, _ = unix.RawSyscall6(unix.SYS_RT_SIGPROCMASK, 0, 0, uintptr(unsafe.Pointer(&c.mask)), 8, 0, 0)
	pid, errno := c.fork(flags)
	_ = unix.Close(pipes[0])
	_ = unix.Close(pipes[3])
	if errno != 0 {
		_ = unix.Close(pipes[1])
		_ = unix.Close(pipes[2])
		return nil, errno
	}
	return &Process{
		PID: pid, FD: int(c.pidfd), base: uintptr(c.image()),
		program: pipes[1], status: pipes[2], making: c.unshare != 0,
	}, nil
}

// openPipes returns the pipe for the program and the pipe for the report, read
// ends first.
func openPipes() ([4]int, error) {
	var p [4]int
	if err := unix.Pipe2(p[:2], unix.O_CLOEXEC); err != nil {
		return p, fmt.Errorf("make a pipe: %w", err)
	}
	if err := unix.Pipe2(p[2:], unix.O_CLOEXEC); err != nil {
		_ = unix.Close(p[0])
		_ = unix.Close(p[1])
		return p, fmt.Errorf("make a pipe: %w", err)
	}
	return p, nil
}

// ErrTooLarge says that a program doesn't fit into the child's memory.
var ErrTooLarge = errors.New("arguments, environment and file contents exceed 64 MiB")

// Load hands the child its program. A child that has died makes it fail with
// EPIPE.
func (p *Process) Load(prog *program.Program) error {
	if prog.Size() > MaxImage {
		return ErrTooLarge
	}
	for image := prog.Image(p.base); len(image) > 0; {
		n, err := unix.Write(p.program, image)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return fmt.Errorf("hand the child its program: %w", err)
		}
		image = image[n:]
	}
	return nil
}

// Proceed lets the child go on where its program waits. A child that is gone has
// said why, or will not be missed: Report tells. One that can't be told is killed, since
// it would wait for ever.
func (p *Process) Proceed() {
	_, err := unix.Write(p.program, []byte{1})
	for err == unix.EINTR {
		_, err = unix.Write(p.program, []byte{1})
	}
	if err != nil {
		p.Kill()
	}
}

// AwaitNamespaces waits until the child has made all its namespaces. The error is the
// errno of unshare(2), or says that the child is gone.
func (p *Process) AwaitNamespaces() error {
	for p.making {
		m, err := p.next()
		if m == nil {
			return cmp.Or(err, errGone)
		}
		p.take(m)
	}
	return p.Refused()
}

var errGone = errors.New("the child has ended before it had its namespaces")

// Refused returns the errno of unshare(2) if the child has told that it could not make
// its namespaces.
func (p *Process) Refused() error {
	if p.refusal != 0 {
		return p.refusal
	}
	return nil
}

// Question waits until the child asks for something. It returns nil if the child has
// failed or is gone before that, which Report tells.
func (p *Process) Question() (*Question, error) {
	for {
		m, err := p.next()
		switch {
		case m == nil:
			return nil, err
		case m.kind == questionMessage:
			return decodeQuestion(m), nil
		}
		p.take(m)
	}
}

// Report waits until the child has executed its command or is gone, or has
// failed before that, which it returns.
func (p *Process) Report() (*Report, error) {
	defer p.closeStatus()
	for {
		m, err := p.next()
		if m == nil {
			return p.report, err
		}
		p.take(m)
	}
}

// Stamps returns the times that the child has told, once Report has returned.
func (p *Process) Stamps() []Stamp { return p.stamps }

// take keeps what a message says.
func (p *Process) take(m *message) {
	switch m.kind {
	case timeMessage:
		p.stamps = append(p.stamps, decodeStamp(m))
	case failureMessage:
		p.report = decodeReport(m)
	case namespacesMessage:
		p.making, p.refusal = false, syscall.Errno(m.errno)
	}
}

// next returns what the child sends next; nil at the end of the pipe.
func (p *Process) next() (*message, error) {
	buf := make([]byte, messageHeaderSize+LogSize)
	for {
		if m, rest := cutMessage(p.unread); m != nil {
			p.unread = rest
			return m, nil
		}
		n, err := unix.Read(p.status, buf)
		switch {
		case err == unix.EINTR:
		case err != nil:
			return nil, fmt.Errorf("read the child's report: %w", err)
		case n == 0:
			return nil, nil
		default:
			p.unread = append(p.unread, buf[:n]...)
		}
	}
}

func (p *Process) closeStatus() {
	_ = unix.Close(p.status)
	p.status = -1
}

// Kill kills the child with SIGKILL. Any goroutine may call it, at any time.
func (p *Process) Kill() {
	p.open.Lock()
	defer p.open.Unlock()
	if p.FD >= 0 {
		_ = unix.PidfdSendSignal(p.FD, unix.SIGKILL, nil, 0)
	}
}

// Wait waits until the child has ended, and returns its exit status, or 128 and
// the number of the signal that killed it.
func (p *Process) Wait() (int, error) {
	for {
		var status syscall.WaitStatus
		_, err := syscall.Wait4(p.PID, &status, 0, nil)
		switch {
		case err == nil:
			return int(exitStatus(uint32(status))), nil
		case err != syscall.EINTR:
			return 0, fmt.Errorf("wait for process %d: %w", p.PID, err)
		}
	}
}

// Close gives back the front's descriptors. A child that has no program yet
// exits.
func (p *Process) Close() {
	p.open.Lock()
	defer p.open.Unlock()
	for _, fd := range []*int{&p.program, &p.status, &p.FD} {
		if *fd >= 0 {
			_ = unix.Close(*fd)
		}
		*fd = -1
	}
}
