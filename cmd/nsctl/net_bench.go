// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"text/tabwriter"
	"time"

	"github.com/nsrun/nsrun/ns"
	"github.com/spf13/cobra"
)

// baseBackend is the one that the others are compared with: what they cost more is
// what their network costs.
const baseBackend = "none"

// contender is a backend that is timed.
type contender struct {
	Backend string `json:"backend"`
	// Median, Min and Max are what a run took from start to end, in milliseconds.
	Median float64 `json:"medianMs,omitempty"`
	Min    float64 `json:"minMs,omitempty"`
	Max    float64 `json:"maxMs,omitempty"`
	// Ratio is the median over the rounds of its time to that of net=none in the same
	// round, so that a change in the machine's speed cancels out.
	Ratio float64 `json:"ratioToNone,omitempty"`
	// Reason is why it can't run here, instead of the rest.
	Reason string `json:"reason,omitempty"`

	times []float64 // by round
}

func newNetBench() *cobra.Command {
	var rounds int
	var asJSON bool
	cmd := &cobra.Command{
		Use: "bench [BACKEND...]", Short: "Time how long a run takes on each network backend on this host",
		Long: `Time how long a run takes from its start to its end on each network backend on
this host, or on those that are named: nsrun --plugins pid,mount,net=BACKEND true.
Each is run once before that counts, then all of them in turn, round by round. The
ratio is to net=none, which is always among them. A backend that can't run here is
listed with the reason. The exit status is 1 if none of them can.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if rounds < 1 {
				return &ns.Diagnostic{Option: "rounds", Summary: fmt.Sprintf("--rounds: %d is none", rounds), Hint: "--rounds 5"}
			}
			return withSession(nil, func(s *session) error {
				all, err := contenders(cmd.Context(), s, args)
				if err != nil {
					return err
				}
				if err := timeAll(cmd.Context(), all, rounds); err != nil {
					return err
				}
				return printContenders(cmd.OutOrStdout(), all, asJSON)
			})
		},
	}
	cmd.Flags().IntVarP(&rounds, "rounds", "n", 5, "how often each backend is timed")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// contenders are the backends that are called names, or all that are installed, that of
// the comparison first.
func contenders(ctx context.Context, s *session, names []string) ([]*contender, error) {
	var installed []string
	for _, d := range s.Installed(ctx) {
		if d.Owns(ns.Net) {
			installed = append(installed, d.Name)
		}
	}
	if len(names) == 0 {
		names = installed
	}
	all := []*contender{{Backend: baseBackend}}
	for _, name := range names {
		if !slices.Contains(installed, name) {
			return nil, &ns.Diagnostic{Summary: "no network backend is called " + name, Hint: "one of " + strings.Join(installed, ", ")}
		}
		if !slices.ContainsFunc(all, func(c *contender) bool { return c.Backend == name }) {
			all = append(all, &contender{Backend: name})
		}
	}
	return all, nil
}

// timeAll runs all contenders in turn, and each round begins with another one: what a
// run leaves the kernel to do falls on the next. The first round doesn't count.
func timeAll(ctx context.Context, all []*contender, rounds int) error {
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find nsrun: %w", err)
	}
	nsrun := filepath.Join(filepath.Dir(self), "nsrun")
	for round := range rounds + 1 {
		for k := range all {
			c := all[(round+k)%len(all)]
			if c.Reason != "" {
				continue
			}
			took, reason := timeRun(ctx, nsrun, c.Backend)
			if c.Reason = reason; round > 0 {
				c.times = append(c.times, took)
			}
		}
	}
	for _, c := range all {
		c.sumUp(all[0])
	}
	return nil
}

// runLimit ends a run that hangs; it is no measure of speed.
const runLimit = time.Minute

// timeRun returns how many milliseconds a run took, or why it failed.
func timeRun(ctx context.Context, nsrun, backend string) (took float64, reason string) {
	ctx, cancel := context.WithTimeout(ctx, runLimit)
	defer cancel()
	var stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, nsrun, "--plugins", "pid,mount,net="+backend, "--", "true")
	cmd.Stderr = &stderr
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) } // it cleans up
	cmd.WaitDelay = runLimit
	start := time.Now()
	err := cmd.Run()
	took = float64(time.Since(start).Microseconds()) / 1000
	switch {
	case ctx.Err() != nil:
		return 0, fmt.Sprintf("it did not end within %v", runLimit)
	case err != nil:
		return 0, reasonIn(stderr.String(), err)
	}
	return took, ""
}

// reasonIn is the first line of what nsrun said that is no notice or warning, with the
// cause that follows it.
func reasonIn(said string, err error) string {
	reason := ""
	for line := range strings.Lines(said) {
		text := strings.TrimSpace(line)
		own, isOwn := strings.CutPrefix(text, "nsrun: ")
		cause, isCause := strings.CutPrefix(text, "cause: ")
		switch {
		case reason != "" && isCause:
			return reason + ": " + cause
		case reason != "":
			return reason
		case isOwn && !strings.HasPrefix(own, "notice: ") && !strings.HasPrefix(own, "warning: "):
			reason = own
		}
	}
	if reason == "" {
		return "nsrun: " + err.Error()
	}
	return reason
}

// sumUp works out the figures, compared with those of base.
func (c *contender) sumUp(base *contender) {
	if c.Reason != "" {
		return
	}
	c.Median, c.Min, c.Max = median(c.times), slices.Min(c.times), slices.Max(c.times)
	if base.Reason != "" {
		return
	}
	var ratios []float64
	for i, t := range c.times {
		ratios = append(ratios, t/base.times[i])
	}
	c.Ratio = median(ratios)
}

// median is the middle of values, or the mean of the two that are there.
func median(values []float64) float64 {
	v := slices.Sorted(slices.Values(values))
	return (v[len(v)/2] + v[(len(v)-1)/2]) / 2
}

func printContenders(w io.Writer, all []*contender, asJSON bool) error {
	ok := slices.ContainsFunc(all, func(c *contender) bool { return c.Reason == "" })
	err := error(nil)
	if asJSON {
		err = printJSON(w, all)
	} else {
		err = printTimes(w, all)
	}
	if err == nil && !ok {
		err = &exitStatus{code: 1}
	}
	return err
}

// printTimes prints those that ran as a table, and the others behind it.
func printTimes(w io.Writer, all []*contender) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "BACKEND\tMEDIAN\tMIN\tMAX\tTO NONE")
	for _, c := range all {
		switch {
		case c.Reason != "":
			continue
		case c.Ratio == 0:
			fmt.Fprintf(t, "%s\t%.1f ms\t%.1f ms\t%.1f ms\t-\n", c.Backend, c.Median, c.Min, c.Max)
		default:
			fmt.Fprintf(t, "%s\t%.1f ms\t%.1f ms\t%.1f ms\t%.2f\n", c.Backend, c.Median, c.Min, c.Max, c.Ratio)
		}
	}
	if err := t.Flush(); err != nil {
		return err
	}
	for _, c := range all {
		if c.Reason != "" {
			fmt.Fprintf(w, "no: %s: %s\n", c.Backend, strings.TrimPrefix(c.Reason, c.Backend+": "))
		}
	}
	return nil
}
