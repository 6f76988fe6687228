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
	"strings"
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
	// Rounds is how often each is run; 0 for what the command line says.
	Rounds int
	// Pause is the time before each run, in which the kernel ends what the run
	// before has left to it.
	Pause time.Duration
	// Setup runs once before the case, and what it returns once after it.
	Setup func() (cleanUp func(), err error)
	// Value is what is measured of a run, in Unit: nil for its time in ms.
	Value func(*exec.Cmd) (float64, error)
	Unit  string
}

// Command is one way to do the job.
type Command struct {
	Label string
	Argv  []string
	// Goal is the ratio of nsrun to this peer that the project aims at; 0 for none.
	Goal float64
}

// Result is what was measured for a case.
type Result struct {
	Case string   `json:"case"`
	Unit string   `json:"unit"`
	Rows []Figure `json:"rows"`
}

// Figure is the measurement of one command.
type Figure struct {
	Label  string  `json:"label"`
	Median float64 `json:"median"`
	Min    float64 `json:"min"`
	Max    float64 `json:"max"`
	// Ratio is the median over the rounds of nsrun's value to this command's, in
	// the same round, so that a change in the machine's speed cancels out.
	Ratio float64 `json:"nsrunToThis"`
	Goal  float64 `json:"goal,omitempty"`
}

// warmups are rounds that aren't counted.
const warmups = 2

// measure runs the commands in turn, round by round, and each round begins with
// another one: without a pause, what a command leaves the kernel to do falls on the next.
func (c Case) measure(rounds int) (Result, error) {
	if c.Setup != nil {
		cleanUp, err := c.Setup()
		if err != nil {
			return Result{}, err
		}
		defer cleanUp()
	}
	if c.Rounds > 0 {
		rounds = c.Rounds
	}
	values := make([][]float64, len(c.Commands))
	for round := range rounds + warmups {
		for k := range c.Commands {
			i := (round + k) % len(c.Commands)
			time.Sleep(c.Pause)
			v, err := c.run(c.Commands[i].Argv)
			if err != nil {
				return Result{}, fmt.Errorf("%s: %w", c.Commands[i].Label, err)
			}
			if round >= warmups {
				values[i] = append(values[i], v)
			}
		}
	}
	return c.result(values), nil
}

func (c Case) result(values [][]float64) Result {
	r := Result{Case: c.Name, Unit: c.unit()}
	for i, cmd := range c.Commands {
		ratios := make([]float64, len(values[i]))
		for j := range values[i] {
			ratios[j] = values[0][j] / values[i][j]
		}
		r.Rows = append(r.Rows, Figure{
			Label: cmd.Label, Median: median(values[i]), Min: slices.Min(values[i]), Max: slices.Max(values[i]),
			Ratio: median(ratios), Goal: cmd.Goal,
		})
	}
	return r
}

func (c Case) unit() string {
	if c.Value == nil {
		return "ms"
	}
	return c.Unit
}

// run runs a command once and returns its value.
func (c Case) run(argv []string) (float64, error) {
	p := exec.Command(argv[0], argv[1:]...)
	var stderr bytes.Buffer
	p.Stderr = &stderr
	if c.UID != 0 {
		p.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: c.UID, Gid: c.UID}}
		p.Env = append(os.Environ(), "HOME=/", "XDG_RUNTIME_DIR="+userRuntimeDir)
	}
	value := c.Value
	if value == nil {
		value = elapsed
	}
	v, err := value(p)
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		err = fmt.Errorf("%s: %s\n%s", strings.Join(argv, " "), exit, &stderr)
	}
	return v, err
}

// elapsed is the time from fork to the end of the process, in milliseconds.
func elapsed(p *exec.Cmd) (float64, error) {
	start := time.Now()
	err := p.Run()
	return float64(time.Since(start).Microseconds()) / 1000, err
}

func median(v []float64) float64 {
	s := slices.Sorted(slices.Values(v))
	return s[len(s)/2]
}

func printResult(w io.Writer, r Result) {
	fmt.Fprintf(w, "\n%s\n", r.Case)
	for _, f := range r.Rows {
		goal := ""
		if f.Goal > 0 {
			goal = fmt.Sprintf("  goal %.2f", f.Goal)
		}
		fmt.Fprintf(w, "  %-36s %9.2f %s (%.2f to %.2f)  nsrun/this %5.2f%s\n", f.Label, f.Median, r.Unit, f.Min, f.Max, f.Ratio, goal)
	}
}
