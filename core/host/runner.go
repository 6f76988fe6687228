// SPDX-License-Identifier: Apache-2.0

package host

import (
	"context"
	"io"
	"strings"
	"time"
)

// runner lets go-plugin work with an instance's process, and shows it no more
// than it needs: a standard output with the handshake line that was checked, and
// a standard error without anything, since go-plugin's reader of it panics at
// log lines of other types than it expects.
type runner struct {
	i      *instance
	stdout *io.PipeReader
}

// newRunner returns a runner whose standard output is line, and ends with the
// process.
func newRunner(i *instance, line string) *runner {
	r, w := io.Pipe()
	go func() {
		_, _ = io.WriteString(w, line+"\n")
		<-i.proc.exited
		w.Close()
	}()
	return &runner{i: i, stdout: r}
}

// Start does nothing: the process runs already.
func (r *runner) Start(context.Context) error { return nil }

// Wait returns when the process has ended.
func (r *runner) Wait(context.Context) error {
	<-r.i.proc.exited
	return nil
}

// Kill kills the process and returns soon, whether that worked or not.
func (r *runner) Kill(context.Context) error {
	r.i.proc.kill()
	r.i.proc.wait(time.Second)
	return nil
}

func (r *runner) Stdout() io.ReadCloser           { return r.stdout }
func (r *runner) Stderr() io.ReadCloser           { return io.NopCloser(strings.NewReader("")) }
func (r *runner) Name() string                    { return r.i.plugin.Name }
func (r *runner) ID() string                      { return r.i.plugin.Name }
func (r *runner) Diagnose(context.Context) string { return "" }

// PluginToHost returns the address as it is. It is the one that was checked.
func (r *runner) PluginToHost(network, address string) (string, string, error) {
	return network, address, nil
}

// HostToPlugin returns the address as it is.
func (r *runner) HostToPlugin(network, address string) (string, string, error) {
	return network, address, nil
}
