// SPDX-License-Identifier: Apache-2.0

package host

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"
	pluginrunner "github.com/hashicorp/go-plugin/runner"

	"github.com/nsrun/nsrun/core/find"
	"github.com/nsrun/nsrun/core/pluginenv"
	"github.com/nsrun/nsrun/internal/wire"
	"github.com/nsrun/nsrun/ns"
)

// instance is one start of one plugin, from exec to the end of its process.
type instance struct {
	plugin   find.Plugin
	dir      string        // for its socket; its own
	patience time.Duration // until the handshake
	log      *slog.Logger
	out      *output

	ctx    context.Context // done when the instance is to end
	cancel context.CancelFunc
	kit    *plugin.Client // nil if it wasn't started here
	conn   io.Closer      // to a process that wasn't started here
	peer   int            // the process that listens

	forked chan struct{} // closed when proc is set, or will never be
	proc   *process      // nil if it never ran
	fork   sync.Once

	ready  chan struct{} // closed when it can be called, or err is set
	err    *ns.Diagnostic
	socket string
	client *wire.Client

	ending sync.Once
	mu     sync.Mutex
	known  *ns.Descriptor // nil until it was asked for
}

// maxSocketPath is how long the path of a unix socket can be (unix(7)), less the
// name that go-plugin gives it, "plugin" and a number of ten digits.
const maxSocketPath = 107 - len("/plugin0123456789")

// newInstanceOf returns an instance that has no process yet.
func newInstanceOf(p find.Plugin, log *slog.Logger) *instance {
	log = log.With("plugin", p.Name)
	i := &instance{
		plugin: p,
		log:    log,
		out:    &output{log: log},
		forked: make(chan struct{}),
		ready:  make(chan struct{}),
	}
	// The instance outlives the call that starts it.
	i.ctx, i.cancel = context.WithCancel(context.Background())
	return i
}

func newInstance(p find.Plugin, dir string, patience time.Duration, log *slog.Logger) *instance {
	i := newInstanceOf(p, log)
	i.dir, i.patience = dir, patience
	i.kit = plugin.NewClient(&plugin.ClientConfig{
		HandshakeConfig:  wire.Handshake(),
		Plugins:          wire.PluginSet(nil),
		RunnerFunc:       i.launch,
		AllowedProtocols: []plugin.Protocol{plugin.ProtocolGRPC},
		SkipHostEnv:      true,
		StartTimeout:     patience,
		UnixSocketConfig: &plugin.UnixSocketConfig{TempDir: dir},
		GRPCDialOptions:  i.dialOptions(),
		Logger:           adapt(i.log),
		SyncStdout:       i.out,
		SyncStderr:       i.out,
	})
	return i
}

// start starts the plugin and connects to it. It returns when the plugin can be
// called or has failed, which i.err tells, and closes i.ready.
func (i *instance) start() {
	defer close(i.ready)
	begin := time.Now()
	err := i.connect()
	i.hasForked()
	if err != nil {
		i.err = i.diagnose(err)
		i.end(false)
		return
	}
	i.log.Debug("plugin started", "pid", i.proc.pid, "took", time.Since(begin))
}

func (i *instance) hasForked() { i.fork.Do(func() { close(i.forked) }) }

// connect starts the plugin through go-plugin and makes its client.
func (i *instance) connect() (err error) {
	// A panic of go-plugin's in this goroutine is one plugin's failure.
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("BUG(nsrun): start plugin: %v", r)
		}
	}()
	if err := os.Mkdir(i.dir, 0o700); err != nil {
		return err
	}
	protocol, err := i.kit.Client()
	if err != nil {
		return err
	}
	raw, err := protocol.Dispense(wire.SetName)
	if err != nil {
		return err
	}
	i.client = raw.(*wire.Client)
	return nil
}

// launch is go-plugin's RunnerFunc: it starts the process and reads its
// handshake. go-plugin's own directory isn't used; its name is too long.
func (i *instance) launch(_ hclog.Logger, cmd *exec.Cmd, tmp string) (pluginrunner.Runner, error) {
	if err := errors.Join(i.ctx.Err(), os.Remove(tmp)); err != nil {
		return nil, err
	}
	if len(i.dir) > maxSocketPath {
		return nil, longPath(i.dir)
	}
	binary, err := find.Open(i.plugin)
	if err != nil {
		return nil, err
	}
	defer binary.Close()
	i.proc, err = startProcess(spec{
		binary: binary,
		argv0:  i.plugin.Path,
		env:    i.env(cmd.Env),
		script: isScript(binary),
	})
	i.hasForked()
	if err != nil {
		return nil, notExecuted(i.plugin.Path, err)
	}
	i.peer = i.proc.pid
	line, err := i.handshake()
	if err != nil {
		return nil, err
	}
	return newRunner(i, line), nil
}

// env returns the plugin's environment: what go-plugin wants it to have, what it
// gets of the caller's, and nsrun's own variables.
func (i *instance) env(kit []string) []string {
	env := setEnv(append(pluginenv.Allowed(os.Environ()), kit...), plugin.EnvUnixSocketDir, i.dir)
	level := slog.LevelWarn
	if i.log.Enabled(i.ctx, slog.LevelDebug) {
		level = slog.LevelDebug
	}
	return append(env, fmt.Sprintf("%s=%d", wire.EnvLifeline, lifelineFD), wire.EnvLogLevel+"="+level.String())
}

// isScript reports whether binary starts with "#!". If it can't be read it
// can't be a script that works.
func isScript(binary *os.File) bool {
	f, err := os.Open(fmt.Sprintf("/proc/self/fd/%d", binary.Fd()))
	if err != nil {
		return false
	}
	defer f.Close()
	head := make([]byte, 2)
	_, err = io.ReadFull(f, head)
	return err == nil && string(head) == "#!"
}

// handshake reads the process's handshake line, and from then on whatever else
// the process prints. It returns the line, checked.
func (i *instance) handshake() (string, error) {
	i.out.readers.Add(2)
	go i.watch()
	i.out.drain(bufio.NewReaderSize(i.proc.stderr, lineLength))
	stdout := bufio.NewReaderSize(i.proc.stdout, maxLine)
	_ = i.proc.stdout.SetReadDeadline(time.Now().Add(i.patience)) // works on pipes
	stop := context.AfterFunc(i.ctx, func() { _ = i.proc.stdout.SetReadDeadline(time.Now()) })
	line, err := firstLine(stdout)
	stop()
	_ = i.proc.stdout.SetReadDeadline(time.Time{})
	i.out.drain(stdout)
	if err != nil {
		return "", i.noHandshake(line, err)
	}
	socket, bad := parseHandshake(line, i.dir)
	if bad != nil {
		return "", bad
	}
	i.socket = socket
	return fmt.Sprintf("%d|%d|unix|%s|grpc", plugin.CoreProtocolVersion, wire.ProtocolVersion, socket), nil
}

// noHandshake says why there was no handshake line, but only part of one.
func (i *instance) noHandshake(part string, err error) error {
	switch {
	case errors.Is(err, errTooLong):
		return tooLong()
	case i.ctx.Err() != nil:
		return &ns.Diagnostic{Summary: "start plugin: stopped"}
	case errors.Is(err, os.ErrDeadlineExceeded):
		return silent(part, i.patience)
	case i.proc.wait(grace):
		return i.died("start plugin: " + i.proc.fate() + " before the handshake")
	}
	return badHandshake("is missing: standard output was closed without one")
}

// watch ends the instance when its process has ended.
func (i *instance) watch() {
	<-i.proc.exited
	i.out.finish(grace)
	closeAll([]*os.File{i.proc.stdout, i.proc.stderr})
	i.end(false)
}

// kill kills the plugin, or keeps it from being started.
func (i *instance) kill() {
	i.cancel()
	<-i.forked
	if i.proc != nil {
		i.proc.kill()
	}
}

// end stops the plugin and removes its directory. It returns when that is done,
// or when the process can't be killed within a second. A polite end lets the
// plugin stop by itself first.
func (i *instance) end(polite bool) {
	i.ending.Do(func() {
		if polite {
			i.cancel()
			<-i.forked
		} else {
			i.kill()
		}
		go i.disconnect()
		if i.proc != nil && !i.proc.wait(grace) {
			i.proc.kill()
			i.proc.wait(time.Second)
		}
		if i.kit == nil {
			return
		}
		if err := os.RemoveAll(i.dir); err != nil {
			i.log.Warn("remove socket directory", "err", err)
		}
	})
}

// disconnect makes go-plugin send Shutdown and end its goroutines. That waits for
// the process in ways that have no bound, so nobody waits for it.
func (i *instance) disconnect() {
	defer func() {
		if r := recover(); r != nil {
			i.log.Error("BUG(nsrun): stop plugin", "panic", r)
		}
	}()
	closeConn(i.conn)
	if i.kit != nil {
		i.kit.Kill()
	}
}

// descriptor returns what the plugin says of itself, checked, and asks at the
// first call only.
func (i *instance) descriptor(ctx context.Context) (*ns.Descriptor, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.known != nil {
		return i.known, nil
	}
	d, err := i.client.Describe(ctx)
	if err != nil {
		return nil, err
	}
	if err := refuse(ns.CheckDescriptor(d)); err != nil {
		return nil, err
	}
	if d.Name != i.plugin.Name {
		return nil, otherName(i.plugin, d.Name)
	}
	i.known = d
	return d, nil
}
