// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"os/exec"
	"syscall"
	"time"
)

// attempt is a run that has been started, to die.
type attempt struct {
	cmd   *exec.Cmd
	ended chan struct{} // closed when it has ended
	err   error         // how, from then on
}

// start starts a command.
func start(cmd *exec.Cmd) (*attempt, error) {
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	a := &attempt{cmd: cmd, ended: make(chan struct{})}
	go func() { a.err = cmd.Wait(); close(a.ended) }()
	return a, nil
}

// hear starts a command and returns when it has written a line, or will write none.
func hear(cmd *exec.Cmd) (*attempt, error) {
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	a, err := start(cmd)
	if err == nil {
		_, _ = bufio.NewReader(out).ReadString('\n')
	}
	return a, err
}

func (a *attempt) pid() int { return a.cmd.Process.Pid }

// endsWithin waits for the end of the run, no longer than d, and reports whether it came.
func (a *attempt) endsWithin(d time.Duration) bool {
	select {
	case <-a.ended:
		return true
	case <-time.After(d):
		return false
	}
}

// outlast waits for the end of the run, no longer than the limit; then it is one that
// hangs, and is killed. It returns how the run ended.
func (a *attempt) outlast(limit time.Duration, t *tally) error {
	if !a.endsWithin(limit) {
		t.Hangs++
		_ = syscall.Kill(-a.pid(), syscall.SIGKILL)
	}
	<-a.ended
	return a.err
}
