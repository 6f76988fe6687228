// SPDX-License-Identifier: Apache-2.0

package conform

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/nsrun/nsrun/internal/wire"
)

// start is how a process of the plugin is started.
type start struct {
	path     string
	cookie   string // "" for none
	versions string // PLUGIN_PROTOCOL_VERSIONS
	level    string // NSRUN_LOG_LEVEL
	temp     string // TMPDIR; "" for one of its own
	serves   string // id of the run whose programs outlive the process; "" for none
	limits   Limits
}

// process is one start of the plugin, as nsrun starts it: SPEC.md, "Process".
type process struct {
	cmd      *exec.Cmd
	limits   Limits
	serves   string
	root     string   // of sockets and temp
	sockets  string   // PLUGIN_UNIX_SOCKET_DIR
	temp     string   // TMPDIR, so that what it leaves there is found
	stdin    *os.File // has content that must not be read
	lifeline *os.File // our end
	began    time.Time

	line    string // the handshake line, or what was printed in its place
	lineErr error

	exited chan struct{}
	quiet  chan struct{} // closed at the end of standard error
	mu     sync.Mutex
	stderr bytes.Buffer // capped
}

// stdinText is what a plugin would find on its standard input, if it looked.
const stdinText = "this is the command's\n"

// launch starts the plugin and reads its first line. The error is one of this
// machine; what the plugin does wrong is in the process.
func launch(s start) (*process, error) {
	p := &process{limits: s.limits, serves: s.serves, exited: make(chan struct{}), quiet: make(chan struct{})}
	var err error
	// As short as it gets: the path of a socket has 107 bytes; unix(7).
	if p.root, err = os.MkdirTemp("", "nsp-"); err != nil {
		return nil, err
	}
	p.sockets, p.temp = filepath.Join(p.root, "s"), filepath.Join(p.root, "t")
	err = errors.Join(os.Mkdir(p.sockets, 0o700), os.Mkdir(p.temp, 0o700), p.openStdin())
	if s.temp != "" {
		p.temp = s.temp
	}
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(p.root))
	}
	if err := p.run(s); err != nil {
		return nil, errors.Join(err, os.RemoveAll(p.root))
	}
	return p, nil
}

// openStdin opens a file that tells by its offset whether it was read.
func (p *process) openStdin() (err error) {
	path := filepath.Join(p.root, "stdin")
	if err := os.WriteFile(path, []byte(stdinText), 0o600); err != nil {
		return err
	}
	p.stdin, err = os.Open(path)
	return err
}

// run executes the plugin and reads the first line that it prints.
func (p *process) run(s start) error {
	ours, theirs, err := pipes(3)
	if err != nil {
		return err
	}
	lifeline, out, errs := theirs[0], theirs[1], theirs[2]
	// Of the lifeline the plugin has the end to read from, of the others the one to
	// write to.
	p.lifeline, lifeline = lifeline, ours[0]
	script, err := openScript(s.path)
	if err != nil {
		closeAll(append(ours, theirs...))
		return err
	}
	p.cmd = &exec.Cmd{
		Path: s.path, Args: []string{s.path}, Dir: "/", Env: p.environ(s), Stdin: p.stdin, Stdout: out, Stderr: errs,
		ExtraFiles:  []*os.File{lifeline},
		SysProcAttr: &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL},
	}
	if script != nil {
		p.cmd.ExtraFiles = append(p.cmd.ExtraFiles, script)
		p.cmd.Path = fmt.Sprintf("/proc/self/fd/%d", 2+len(p.cmd.ExtraFiles))
	}
	started := make(chan error)
	p.began = time.Now()
	go p.waitFor(started)
	err = <-started
	closeAll([]*os.File{lifeline, out, errs, script}) // or we wouldn't see their end
	if err != nil {
		closeAll([]*os.File{p.lifeline, ours[1], ours[2]})
		return fmt.Errorf("execute plugin: %w", err)
	}
	go p.keepStderr(ours[2])
	p.readLine(ours[1])
	return nil
}

// pipes makes n pipes and returns their ends to read from and to write to.
func pipes(n int) (read, write []*os.File, err error) {
	for range n {
		r, w, err := os.Pipe()
		if err != nil {
			closeAll(append(read, write...))
			return nil, nil, err
		}
		read, write = append(read, r), append(write, w)
	}
	return read, write, nil
}

// closeAll closes files; closing a nil file does nothing.
func closeAll(files []*os.File) {
	for _, f := range files {
		f.Close()
	}
}

// openScript opens the file at path if it is a script, which is executed as nsrun
// does it: by a descriptor, which its interpreter opens. It returns nil for a
// program.
func openScript(path string) (*os.File, error) {
	f, err := os.Open(path)
	if errors.Is(err, os.ErrPermission) {
		return nil, nil // a program that can't be read can be executed
	}
	if err != nil {
		return nil, err
	}
	head := make([]byte, 2)
	if _, err := io.ReadFull(f, head); err != nil || string(head) != "#!" {
		return nil, f.Close()
	}
	return f, nil
}

// environ is the environment of [P-2], and TMPDIR.
func (p *process) environ(s start) []string {
	env := []string{
		"PLUGIN_UNIX_SOCKET_DIR=" + p.sockets, "PLUGIN_PROTOCOL_VERSIONS=" + s.versions, "TMPDIR=" + p.temp,
		wire.EnvLifeline + "=3", wire.EnvLogLevel + "=" + s.level,
	}
	if s.cookie != "" {
		env = append(env, wire.CookieKey+"="+s.cookie)
	}
	for _, name := range []string{"HOME", "LANG", "LC_ALL", "PATH", "TZ"} {
		if value, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+value)
		}
	}
	return env
}

// waitFor starts the process and reaps it, on a thread of its own: the
// parent-death signal comes when the thread that forked ends; prctl(2).
func (p *process) waitFor(started chan<- error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	err := p.cmd.Start()
	started <- err
	if err == nil {
		_ = p.cmd.Wait() // how it ended is in cmd.ProcessState
		close(p.exited)
	}
}

// grace is how long what a process said may take to arrive.
const grace = 100 * time.Millisecond

// maxLine is the longest handshake line in bytes: [H-4].
const maxLine = 4096

// readLine reads the first line of standard output, and drains the rest.
func (p *process) readLine(out *os.File) {
	if p.limits.Start > 0 {
		_ = out.SetReadDeadline(p.began.Add(p.limits.Start)) // works on pipes
	}
	read := make(chan struct{})
	go func() { // what it started may hold the other end open
		select {
		case <-read:
		case <-p.exited:
			_ = out.SetReadDeadline(time.Now().Add(grace))
		}
	}()
	r := bufio.NewReaderSize(out, maxLine)
	line, err := r.ReadSlice('\n')
	close(read)
	p.line, p.lineErr = string(line), err
	_ = out.SetReadDeadline(time.Time{})
	go func() {
		_, _ = io.Copy(io.Discard, r)
		out.Close()
	}()
}

// maxStderr is how much of standard error is kept.
const maxStderr = 1 << 20

func (p *process) keepStderr(errs *os.File) {
	defer close(p.quiet)
	defer errs.Close()
	chunk := make([]byte, 32<<10)
	for {
		n, err := errs.Read(chunk)
		p.mu.Lock()
		if p.stderr.Len() < maxStderr {
			p.stderr.Write(chunk[:n])
		}
		p.mu.Unlock()
		if err != nil {
			return
		}
	}
}

// said returns what the process wrote to standard error so far.
func (p *process) said() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.stderr.String()
}

// settled waits until all that an ended process said has arrived.
func (p *process) settled() {
	select {
	case <-p.quiet:
	case <-time.After(grace):
	}
}

// ends waits for the end of the process, no longer than its limit.
func (p *process) ends() bool {
	if p.limits.End == 0 {
		<-p.exited
		return true
	}
	select {
	case <-p.exited:
		return true
	case <-time.After(p.limits.End):
		return false
	}
}

// servants returns the processes that may outlive this one: [P-8].
func (p *process) servants() []int {
	if p.serves == "" {
		return nil
	}
	return servants(p.serves)
}

// kill kills the process group and waits for the process.
func (p *process) kill() {
	_ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL)
	<-p.exited
}

// stop kills what is left of the process and removes its directory.
func (p *process) stop() {
	select {
	case <-p.exited:
	default:
		p.kill()
	}
	spared := p.servants()
	for _, pid := range p.left() {
		if !slices.Contains(spared, pid) {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
	}
	p.lifeline.Close()
	p.stdin.Close()
	os.RemoveAll(p.root)
}
