// SPDX-License-Identifier: Apache-2.0

package host

import (
	"fmt"
	"os"
	"runtime"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// lifelineFD is the number of the lifeline in the child.
const lifelineFD = 3

// spec is what a process is started from.
type spec struct {
	binary *os.File // O_PATH; read by an interpreter if it is a script
	argv0  string
	env    []string
	script bool
}

// process is a plugin's process, the leader of a process group of its own, so
// that Ctrl-C doesn't reach it and everything it started can be killed with it.
type process struct {
	pid      int
	stdout   *os.File
	stderr   *os.File
	lifeline *os.File      // our end: the plugin reads end of file when it closes
	exited   chan struct{} // closed when the process is gone and status is set
	status   syscall.WaitStatus

	mu     sync.Mutex
	reaped bool // pid may belong to somebody else
}

// startProcess executes the binary of s.
func startProcess(s spec) (*process, error) {
	p := &process{exited: make(chan struct{})}
	files, err := p.pipes()
	defer closeAll(files)
	if err != nil {
		p.closePipes()
		return nil, err
	}
	started := make(chan error)
	go p.run(s, files, started)
	if err := <-started; err != nil {
		p.closePipes()
		return nil, err
	}
	return p, nil
}

// pipes opens the process's standard files and lifeline and returns its ends.
func (p *process) pipes() (child []*os.File, err error) {
	null, err := os.Open(os.DevNull)
	if err != nil {
		return nil, err
	}
	child = append(child, null)
	for _, ours := range []**os.File{&p.stdout, &p.stderr} {
		r, w, err := os.Pipe()
		if err != nil {
			return child, err
		}
		*ours, child = r, append(child, w)
	}
	r, w, err := os.Pipe()
	if err != nil {
		return child, err
	}
	p.lifeline = w
	return append(child, r), nil
}

// run starts the process, waits for it and reaps it, on a thread of its own:
// the parent-death signal is sent when the thread that forked ends, not the
// process (prctl(2)), and Go ends threads as it likes.
func (p *process) run(s spec, files []*os.File, started chan<- error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	pid, err := fork(s, files)
	p.pid = pid
	started <- err
	if err == nil {
		p.reap()
	}
}

func fork(s spec, files []*os.File) (int, error) {
	fd, err := unix.FcntlInt(s.binary.Fd(), unix.F_DUPFD_CLOEXEC, firstFree(files))
	if err != nil {
		return 0, fmt.Errorf("duplicate descriptor of %s: %w", s.argv0, err)
	}
	defer unix.Close(fd)
	attr := &syscall.ProcAttr{
		Dir: "/",
		Env: s.env,
		Sys: &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL},
	}
	for _, f := range files {
		attr.Files = append(attr.Files, f.Fd())
	}
	path := fmt.Sprintf("/proc/self/fd/%d", fd)
	if s.script {
		// The kernel hands the interpreter this path, so the descriptor must
		// still be open then.
		path = fmt.Sprintf("/proc/self/fd/%d", len(attr.Files))
		attr.Files = append(attr.Files, uintptr(fd))
	}
	return syscall.ForkExec(path, []string{s.argv0}, attr)
}

// firstFree returns the lowest descriptor number that the binary may have while
// a child with files is made. syscall.ForkExec first moves its own pipe, and files
// that stand in the way of others, to the numbers right after the highest of them.
func firstFree(files []*os.File) int {
	highest := len(files)
	for _, f := range files {
		highest = max(highest, int(f.Fd()))
	}
	return highest + len(files) + 2
}

// reap waits until the process ends, kills what is left of its group, and takes
// its status. Until then the pid, and with it the group's number, is ours.
func (p *process) reap() {
	for {
		err := unix.Waitid(unix.P_PID, p.pid, nil, unix.WEXITED|unix.WNOWAIT, nil)
		if err != unix.EINTR {
			break
		}
	}
	p.kill()
	p.mu.Lock()
	defer p.mu.Unlock()
	for {
		_, err := syscall.Wait4(p.pid, &p.status, 0, nil)
		if err != syscall.EINTR {
			break
		}
	}
	p.reaped = true
	p.lifeline.Close()
	close(p.exited)
}

// kill kills the process and its group, and returns at once.
func (p *process) kill() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.reaped {
		_ = syscall.Kill(-p.pid, syscall.SIGKILL)
	}
}

// wait waits for the end of the process, no longer than d.
func (p *process) wait(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-p.exited:
		return true
	case <-timer.C:
		return false
	}
}

// fate says how the process ended: "exited with status 1".
func (p *process) fate() string {
	switch s := p.status; {
	case s.Signaled():
		return fmt.Sprintf("crashed (signal %d, %s)", int(s.Signal()), s.Signal())
	default:
		return fmt.Sprintf("exited with status %d", s.ExitStatus())
	}
}

func (p *process) closePipes() { closeAll([]*os.File{p.stdout, p.stderr, p.lifeline}) }

// closeAll closes files; closing a nil file does nothing.
func closeAll(files []*os.File) {
	for _, f := range files {
		f.Close()
	}
}
