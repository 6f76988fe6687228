// SPDX-License-Identifier: Apache-2.0

package conform

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/nsrun/nsrun/internal/wire"
	"github.com/nsrun/nsrun/ns"
)

// beforeStart are the checks of a plugin that nobody asked to serve, and of the
// versions that it chooses.
func (r *runner) beforeStart() []row {
	return []row{
		{Check{ID: "H-1", Name: "started by hand it doesn't serve"}, func() Verdict { return r.byHand("") }},
		{Check{ID: "H-1", Name: "a wrong cookie is refused"}, func() Verdict { return r.byHand("00") }},
		{Check{ID: "H-1", Name: "started by hand it explains itself, with status 2", Should: true}, r.explains},
		{Check{ID: "H-2", Name: "it chooses a version that nsrun speaks"}, func() Verdict { return r.chooses("1,1000") }},
		{Check{ID: "H-2", Name: "it chooses its own version if nsrun speaks none of them"}, func() Verdict { return r.chooses("1000") }},
	}
}

// byHand starts the plugin with another cookie than nsrun's.
func (r *runner) byHand(cookie string) Verdict {
	p, err := launch(start{path: r.Path, cookie: cookie, versions: "1", limits: r.Limits})
	if err != nil {
		return failure(err)
	}
	defer p.stop()
	switch _, faults := p.socket(); {
	case len(faults) == 0:
		return fault("it serves without the cookie")
	case !p.ends():
		return fault("it doesn't end")
	}
	return Verdict{}
}

func (r *runner) explains() Verdict {
	p, err := launch(start{path: r.Path, versions: "1", limits: r.Limits})
	if err != nil {
		return failure(err)
	}
	defer p.stop()
	if !p.ends() {
		return fault("it doesn't end")
	}
	var v Verdict
	if status := p.cmd.ProcessState.ExitCode(); status != 2 {
		v.Faults = append(v.Faults, fmt.Sprintf("it ends with status %d", status))
	}
	if p.settled(); p.said() == "" {
		v.Faults = append(v.Faults, "it says nothing on standard error")
	}
	return v
}

// chooses starts the plugin with versions to choose from, of which it can speak
// 1 at most.
func (r *runner) chooses(versions string) Verdict {
	p, err := launch(start{path: r.Path, cookie: wire.CookieValue, versions: versions, limits: r.Limits})
	if err != nil {
		return failure(err)
	}
	defer p.stop()
	fields := strings.Split(strings.TrimSpace(p.line), "|")
	if len(fields) < 2 || fields[1] != strconv.Itoa(wire.ProtocolVersion) {
		return fault(fmt.Sprintf("with PLUGIN_PROTOCOL_VERSIONS=%s it printed %s", versions, quote(p.line)))
	}
	return Verdict{}
}

// connect starts the plugin and checks its handshake, one check for each rule.
func (r *runner) connect() bool {
	p, err := r.launch("debug")
	if err != nil {
		r.add(Check{ID: "H-7", Name: "it starts"}, "", failure(err))
		return false
	}
	r.process = p
	for _, rule := range handshakeRules {
		v := rule.run(p)
		r.add(rule.Check, "", v)
		if len(v.Faults) > 0 {
			return false
		}
	}
	socket, _ := p.socket()
	r.plugin, err = Dial(socket, r.Limits)
	return err == nil
}

// handshakeRules are the rules of the handshake, each of which makes sense if
// those before are kept.
var handshakeRules = []struct {
	Check
	run func(p *process) Verdict
}{
	{Check{ID: "H-7", Name: "it prints a line in time"}, (*process).printsInTime},
	{Check{ID: "H-5", Name: "nothing is printed before the handshake line"}, (*process).printsNothingElse},
	{Check{ID: "H-4", Name: "the handshake line is exact"}, (*process).exactLine},
	{Check{ID: "H-3", Name: "the socket is in its directory, and listens"}, (*process).listens},
}

func (p *process) printsInTime() Verdict {
	switch {
	case p.lineErr == nil || errors.Is(p.lineErr, bufio.ErrBufferFull) || p.line != "" && errors.Is(p.lineErr, io.EOF):
		return Verdict{}
	case p.ended():
		p.settled()
		return fault(fmt.Sprintf("it ended (%s) before the handshake; it said %s", p.cmd.ProcessState, quote(last(p.said()))))
	case errors.Is(p.lineErr, os.ErrDeadlineExceeded):
		return fault(fmt.Sprintf("no line within %s; it printed %s", p.limits.Start, quote(p.line)))
	case errors.Is(p.lineErr, io.EOF):
		return fault("it closed standard output before the handshake")
	}
	return failure(p.lineErr)
}

// ended reports whether the process has ended, or is about to.
func (p *process) ended() bool {
	select {
	case <-p.exited:
		return true
	case <-time.After(grace):
		return false
	}
}

// handshake is what go-plugin calls the fields of the line.
func (p *process) handshake() []string { return strings.Split(strings.TrimSuffix(p.line, "\n"), "|") }

func (p *process) printsNothingElse() Verdict {
	f := p.handshake()
	if _, err := strconv.Atoi(f[0]); err != nil || len(f) < 4 {
		return fault("it printed " + quote(p.line))
	}
	return Verdict{}
}

func (p *process) exactLine() Verdict {
	if errors.Is(p.lineErr, bufio.ErrBufferFull) {
		return fault(fmt.Sprintf("it is longer than %d bytes", maxLine))
	}
	f := p.handshake()
	field := func(i int) string {
		if i < len(f) {
			return f[i]
		}
		return ""
	}
	var v Verdict
	for i, want := range map[int]string{0: "1", 1: strconv.Itoa(wire.ProtocolVersion), 2: "unix", 4: "grpc", 5: ""} {
		if field(i) != want {
			v.Faults = append(v.Faults, fmt.Sprintf("field %d is %s, not %s", i+1, quote(field(i)), quote(want)))
		}
	}
	if len(f) > 6 {
		v.Faults = append(v.Faults, fmt.Sprintf("it has %d fields, 6 at most", len(f)))
	}
	return v
}

func (p *process) listens() Verdict {
	path := p.handshake()[3]
	info, err := os.Lstat(path)
	switch {
	case filepath.Dir(path) != p.sockets:
		return fault("it names " + quote(path) + ", which isn't in PLUGIN_UNIX_SOCKET_DIR")
	case err != nil:
		return failure(err)
	case info.Mode().Type() != os.ModeSocket:
		return fault(path + " is no socket")
	}
	conn, err := net.DialTimeout("unix", path, 2*time.Second)
	if err != nil {
		return failure(err)
	}
	defer conn.Close()
	return p.ownSocket(conn.(*net.UnixConn))
}

// ownSocket makes sure that the plugin itself listens; unix(7), SO_PEERCRED.
func (p *process) ownSocket(conn *net.UnixConn) Verdict {
	raw, err := conn.SyscallConn()
	if err != nil {
		return failure(err)
	}
	var cred *syscall.Ucred
	var credErr error
	err = raw.Control(func(fd uintptr) {
		cred, credErr = syscall.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED)
	})
	if err := errors.Join(err, credErr); err != nil {
		return failure(err)
	}
	if int(cred.Pid) != p.cmd.Process.Pid {
		return fault(fmt.Sprintf("process %d listens, not the one that was started (%d): nsrun refuses it", cred.Pid, p.cmd.Process.Pid))
	}
	return Verdict{}
}

// socket returns the path of the socket, or what is wrong with the handshake.
func (p *process) socket() (string, []string) {
	for _, rule := range handshakeRules {
		if v := rule.run(p); len(v.Faults) > 0 {
			return "", v.Faults
		}
	}
	return p.handshake()[3], nil
}

func (r *runner) fileName() Verdict {
	want := ns.BinaryPrefix + r.descriptor.Name
	if base := filepath.Base(r.Path); base != want {
		return fault("the descriptor says " + quote(r.descriptor.Name) + ", so the file must be named " + want)
	}
	return Verdict{}
}

// quote returns s in quotes, and short.
func quote(s string) string {
	const most = 120
	if len(s) > most {
		return strconv.Quote(s[:most]) + "..."
	}
	return strconv.Quote(s)
}

// last returns the last line of a text that says something.
func last(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return lines[len(lines)-1]
}
