// SPDX-License-Identifier: Apache-2.0

package helper

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"

	"github.com/nsrun/nsrun/ns"
	"github.com/nsrun/nsrun/nsplugin"
	"github.com/nsrun/nsrun/nsplugin/helper/lifeline"
)

// Command says how a helper is started.
type Command struct {
	// Name names the helper in the run: "pasta". Required.
	Name string
	// Path is the program, as [Program.Find] returns it. Required.
	Path string
	// Args are its arguments, without the name of the program.
	Args []string
	// Files are its descriptors from 3 on. They stay open in the caller.
	Files []*os.File
	// Ready is the descriptor to which the helper writes something once it works:
	// 1, or the one after Files. Its standard output is dropped otherwise. Required.
	Ready int
}

// state is what PreExec keeps of a helper for PostExec.
type state struct {
	PID int `json:"pid"`
	// Log is how much it had logged when it was ready, in bytes.
	Log int64 `json:"log"`
}

// title is the first word of a helper's arguments, by which it belongs to its run.
func title(req *ns.HookRequest, name string) string { return "nsrun/" + req.RunID + "/" + name }

// logFile is what the helper writes to its standard error.
func logFile(req *ns.HookRequest, name string) string {
	return filepath.Join(req.StateDir, name+".log")
}

// Start starts a helper for the run of req, in a session of its own, and waits
// until it says that it works. It returns what PreExec is to answer, to which the
// plugin adds the rest: the state, by which [Finish] knows the helper, and the helper
// itself, so that nsrun tells the user if it ends too early. The kernel kills the helper when
// nobody is left of nsrun to call PostExec. A helper that doesn't get
// so far is ended; the error is a *ns.Diagnostic with what it said last.
func Start(ctx context.Context, req *ns.HookRequest, c Command) (*ns.HookReply, error) {
	log, err := os.OpenFile(logFile(req, c.Name), os.O_WRONLY|os.O_CREATE|os.O_TRUNC|os.O_APPEND, 0o600)
	if err != nil {
		return nil, nsplugin.Errorf("start %s: %w", c.Name, err)
	}
	defer log.Close()
	ready, theirs, err := os.Pipe()
	if err != nil {
		return nil, nsplugin.Errorf("start %s: %w", c.Name, err)
	}
	defer ready.Close()
	cmd := c.command(req, log, theirs)
	err = cmd.Start()
	theirs.Close()
	if err != nil {
		return nil, nsplugin.Errorf("start %s: %w", c.Name, err)
	}
	if err := await(ctx, ready); err != nil {
		return nil, c.failed(req, cmd, err)
	}
	go cmd.Wait() // or it stays as a zombie while this process lives
	size, err := log.Seek(0, io.SeekEnd)
	if err != nil {
		return nil, nsplugin.Errorf("start %s: %w", c.Name, err)
	}
	return c.reply(state{cmd.Process.Pid, size})
}

func (c Command) reply(s state) (*ns.HookReply, error) {
	kept, err := json.Marshal(s)
	if err != nil {
		return nil, fmt.Errorf("encode state: %w", err)
	}
	return &ns.HookReply{State: kept, Helpers: []ns.Helper{{Name: c.Name, PID: s.PID}}}, nil
}

// command returns the process to start. An nsrun without a lifeline is an older one.
func (c Command) command(req *ns.HookRequest, log, ready *os.File) *exec.Cmd {
	cmd := exec.Command(c.Path)
	cmd.Args = append([]string{title(req, c.Name)}, c.Args...)
	cmd.Env = []string{} // what it does depends on its arguments alone
	if req.Lifeline != "" {
		cmd.Path, cmd.Args, cmd.Env = lifeline.Self, lifeline.Arguments(c.Path, cmd.Args), lifeline.Environ(req.Lifeline)
	}
	cmd.Dir = "/"
	cmd.Stderr = log
	cmd.ExtraFiles = append(cmd.ExtraFiles, c.Files...)
	if c.Ready == 1 {
		cmd.Stdout = ready
	} else {
		cmd.ExtraFiles = append(cmd.ExtraFiles, ready)
	}
	// nsrun kills the plugin's process group when it ends the plugin.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	return cmd
}

// errSilent says that the helper closed its end without a word: it has ended.
var errSilent = errors.New("it ended")

// await waits until the helper has written something.
func await(ctx context.Context, ready *os.File) error {
	stop := context.AfterFunc(ctx, func() { ready.Close() })
	defer stop()
	n, err := ready.Read(make([]byte, 64))
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("it is not ready in time: %w", context.Cause(ctx))
	case n == 0:
		return errSilent
	}
	return err
}

// failed ends a helper that didn't get ready, and says why.
func (c Command) failed(req *ns.HookRequest, cmd *exec.Cmd, cause error) error {
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	if errors.Is(cause, errSilent) && cmd.ProcessState.Exited() {
		cause = fmt.Errorf("it exited with status %d", cmd.ProcessState.ExitCode())
	}
	return nsplugin.Errorf("start %s: %w", c.Name, cause).WithDetail(lastLines(tail(logFile(req, c.Name), 0)))
}
