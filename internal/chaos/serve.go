// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"syscall"
)

// serve is the life of a private host: it does the jobs that come by its standard input.
func serve(name string) error {
	if os.Getpid() == 1 {
		os.Exit(reign())
	}
	if err := prepare(); err != nil {
		return err
	}
	jobs, reports := json.NewDecoder(os.Stdin), json.NewEncoder(os.Stdout)
	k := &killer{prefix: name, tell: func(t tally) error { return reports.Encode(report{Tally: &t}) }}
	for {
		var j job
		if err := jobs.Decode(&j); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		end := report{Done: true}
		if err := k.do(j); err != nil {
			end.Err = err.Error()
		}
		if err := reports.Encode(end); err != nil {
			return err
		}
	}
}

// reign is the life of the first process of the private host: it takes in what
// dies without a parent, so that no zombie looks like a survivor.
func reign() int {
	cmd := exec.Command("/proc/self/exe", os.Args[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	if err := cmd.Start(); err != nil {
		fmt.Fprintln(os.Stderr, "chaos:", err)
		return 1
	}
	for {
		var status syscall.WaitStatus
		pid, err := syscall.Wait4(-1, &status, 0, nil)
		if pid == cmd.Process.Pid && err == nil {
			return status.ExitStatus()
		}
	}
}
