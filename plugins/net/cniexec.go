// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"

	"github.com/containernetworking/cni/pkg/types"
	"github.com/containernetworking/cni/pkg/version"
)

// cniExec runs CNI plugins for libcni (invoke.Exec). It differs from libcni's own
// in the environment, which is the same for every caller, in that a failed plugin
// says all that it said, and in that nothing survives this process.
type cniExec struct {
	version.PluginDecoder
	dirs binDirs
	// held is inherited by the plugin, and by whatever the plugin starts. Its lock
	// is therefore free again when the last of them has ended. May be nil.
	held *os.File
}

// cniError is a CNI plugin's refusal.
type cniError struct {
	Reply   types.Error // code, message and details, as the protocol has them
	Plugin  string      // its type
	Command string      // ADD, CHECK, DEL, STATUS or VERSION
	Stderr  string      // the end of what it wrote there
}

// Error returns the plugin, what it was told to do, and its message.
func (e *cniError) Error() string {
	return fmt.Sprintf("%s of CNI plugin %s: %s", e.Command, e.Plugin, strings.TrimSpace(e.Reply.Msg))
}

// FindInPath returns the path of the plugin called name. libcni's own list of
// directories is the same as dirs, but says less when there is no such plugin.
func (x *cniExec) FindInPath(name string, _ []string) (string, error) { return x.dirs.find(name) }

// ExecPlugin runs the plugin at path and returns what it wrote to stdout. It
// kills the plugin when ctx ends.
func (x *cniExec) ExecPlugin(ctx context.Context, path string, conf []byte, env []string) ([]byte, error) {
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, path)
	cmd.Env = cniEnv(env)
	cmd.Dir = "/"
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(conf), &stdout, &stderr
	if x.held != nil {
		cmd.ExtraFiles = []*os.File{x.held}
	}
	// A plugin's own children can hold its stdout open after it was killed.
	cmd.WaitDelay = time.Second
	err := runToDeath(cmd)
	if err == nil {
		return stdout.Bytes(), nil
	}
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	return nil, newCNIError(cmd, err, stdout.Bytes(), stderr.String())
}

// runToDeath runs cmd, which the kernel kills if this process dies first.
func runToDeath(cmd *exec.Cmd) error {
	// prctl(2): the parent of PR_SET_PDEATHSIG is a thread, which therefore has to
	// live as long as cmd.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	return cmd.Run()
}

// cniEnv is the environment of CNI plugins: what the protocol wants, and a PATH
// on which they find nft and iptables.
func cniEnv(env []string) []string {
	clean := []string{"PATH=" + sysPath, "LANG=C"}
	for _, kv := range env {
		if strings.HasPrefix(kv, "CNI_") {
			clean = append(clean, kv)
		}
	}
	return clean
}

// newCNIError reads a failed plugin's error; the protocol wants it on stdout.
func newCNIError(cmd *exec.Cmd, err error, stdout []byte, stderr string) *cniError {
	e := &cniError{Plugin: filepath.Base(cmd.Path), Stderr: tail(stderr)}
	for _, kv := range cmd.Env {
		if command, ok := strings.CutPrefix(kv, "CNI_COMMAND="); ok {
			e.Command = command
		}
	}
	if json.Unmarshal(stdout, &e.Reply) == nil && e.Reply.Msg != "" {
		return e
	}
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		// It could not be run at all, or had to be killed.
		e.Reply = types.Error{Code: types.ErrInternal, Msg: err.Error()}
		return e
	}
	e.Reply = types.Error{Code: types.ErrInternal, Msg: "ended without a CNI error: " + exit.Error()}
	if len(stdout) > 0 {
		e.Reply.Details = "it wrote " + tail(string(stdout))
	}
	return e
}

// tail is the end of text, fit for a message.
func tail(text string) string {
	const most = 500
	text = strings.TrimSpace(text)
	if len(text) > most {
		text = "..." + text[len(text)-most:]
	}
	return text
}
