// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"syscall"
	"time"
)

// Case is a job that nsrun and one or more peers do, each with a command line.
type Case struct {
	Name string
	// Commands in the order of the table; the first is nsrun's.
	Commands []Command
	// UID runs all of them as an ordinary user; 0 as root.
	UID uint32
}

// Command is one way to do the job.
type Command struct {
	Label string
	Argv  []string
	// Before runs before each timed run and isn't timed.
	Before func() error
	// Goal is the ratio of nsrun to this peer that the project aims at; 0 for none.
	Goal float64
}

// Result is what was measured for a case.
type Result struct {
	Case string   `json:"case"`
	Rows []Figure `json:"rows"`
}

// Figure is the measurement of one command.
type Figure struct {
	Label    string  `json:"label"`
	MedianMS float64 `json:"medianMs"`
	MinMS    float64 `json:"minMs"`
	// Ratio is the median over the rounds of nsrun's time to this command's, in
	// the same round, so that a change in the machine's speed cancels out.
	Ratio float64 `json:"nsrunToThis"`
	Goal  float64 `json:"goal,omitempty"`
}

// warmups are runs that aren't counted.
const warmups = 3

// measure runs the commands in turn, round by round.
func (c Case) measure(rounds int) (Result, error) {
	times := make([][]time.Duration, len(c.Commands))
	for round := range rounds + warmups {
		for i := range c.Commands {
			d, err := c.time(&c.Commands[i])
			if err != nil {
				return Result{}, fmt.Errorf("%s: %w", c.Commands[i].Label, err)
			}
			if round >= warmups {
				times[i] = append(times[i], d)
			}
		}
	}
	return c.result(times), nil
}

func (c Case) result(times [][]time.Duration) Result {
	r := Result{Case: c.Name}
	for i, cmd := range c.Commands {
		ratios := make([]float64, len(times[i]))
		for j := range times[i] {
			ratios[j] = float64(times[0][j]) / float64(times[i][j])
		}
		r.Rows = append(r.Rows, Figure{Label: cmd.Label, MedianMS: ms(median(times[i])), MinMS: ms(slices.Min(times[i])), Ratio: median(ratios), Goal: cmd.Goal})
	}
	return r
}

// time runs a command once, from fork to the end of the process.
func (c Case) time(cmd *Command) (time.Duration, error) {
	if cmd.Before != nil {
		if err := cmd.Before(); err != nil {
			return 0, err
		}
	}
	p := exec.Command(cmd.Argv[0], cmd.Argv[1:]...)
	var stderr bytes.Buffer
	p.Stderr = &stderr
	if c.UID != 0 {
		p.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: c.UID, Gid: c.UID}}
		p.Env = append(os.Environ(), "HOME=/", "XDG_RUNTIME_DIR="+userRuntimeDir)
	}
	start := time.Now()
	err := p.Run()
	elapsed := time.Since(start)
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		err = fmt.Errorf("%v: %s\n%s", p.Args, exit, &stderr)
	}
	return elapsed, err
}

func median[T ~int64 | ~float64](v []T) T {
	s := slices.Sorted(slices.Values(v))
	return s[len(s)/2]
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

func printResult(w io.Writer, r Result) {
	fmt.Fprintf(w, "\n%s\n", r.Case)
	for _, f := range r.Rows {
		goal := ""
		if f.Goal > 0 {
			goal = fmt.Sprintf("  goal %.2f", f.Goal)
		}
		fmt.Fprintf(w, "  %-34s median %8.2f ms  min %8.2f ms  nsrun/this %5.2f%s\n", f.Label, f.MedianMS, f.MinMS, f.Ratio, goal)
	}
}
