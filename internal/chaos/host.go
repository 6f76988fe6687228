// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"syscall"
)

// host is a private host (scripts/private-host), which does one job after the other.
type host struct {
	cmd     *exec.Cmd
	in      io.Closer     // its standard input
	jobs    *json.Encoder // to it
	reports *json.Decoder // its standard output
}

// report is what a host says while it does a job, and at last that it is done.
type report struct {
	Tally *tally `json:",omitempty"`
	Done  bool   `json:",omitempty"`
	Err   string `json:",omitempty"`
}

// employ has a private host do jobs until there is none left, or ctx is done. A job that
// fails is told as an event; an error is for a host that can do no more.
func employ(ctx context.Context, name string, todo <-chan job, events chan<- event) error {
	h, err := startHost(name)
	if err != nil {
		return err
	}
	defer h.end()
	defer context.AfterFunc(ctx, h.kill)()
	for j := range todo {
		err := h.do(j, events)
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil:
			h.kill()
			return fmt.Errorf("private host %s: %s, %s: %w", name, j.Victim, j.Way, err)
		}
	}
	return nil
}

// startHost starts the private host of that name, which is in the names of its runs. It
// has a process group of its own, so that Ctrl-C leaves it to this program.
func startHost(name string) (*host, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command("scripts/private-host", self, "-host", name)
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	return &host{cmd, in, json.NewEncoder(in), json.NewDecoder(out)}, cmd.Start()
}

// do has the host do a job, and tells what it says.
func (h *host) do(j job, events chan<- event) error {
	if err := h.jobs.Encode(j); err != nil {
		return err
	}
	for {
		var r report
		switch err := h.reports.Decode(&r); {
		case errors.Is(err, io.EOF):
			return errors.New("it has died")
		case err != nil:
			return err
		case r.Err != "":
			events <- event{job: j, err: errors.New(r.Err)}
			return nil
		}
		events <- event{job: j, more: r.Tally}
		if r.Done {
			return nil
		}
	}
}

// kill kills the host, whatever it does: unshare(1), and with it all that is in it.
func (h *host) kill() { _ = h.cmd.Process.Kill() }

// end tells the host that there is nothing more to do, and waits for its end.
func (h *host) end() {
	_ = h.in.Close()
	_ = h.cmd.Wait()
}
