// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
)

// course is in the course of what hosts are looked at.
type course struct {
	// unit is what sample.At counts.
	unit string
	// intro says in a line what became of a victim.
	intro func(*row) string
	// slack is by how much gauges may grow without that being a leak; 0 where it says
	// nothing.
	slack map[string]slack
}

// slack returns by how much a gauge may grow that was early so large, until at.
type slack func(early, at int) int

func atMost(n int) slack { return func(int, int) int { return n } }

var (
	soaking = course{
		unit: "runs",
		intro: func(r *row) string {
			_, longest := r.undone()
			return fmt.Sprintf("the reaper of a run at rest has %d kB, and undid it in %d ms", r.Reaper, longest.Milliseconds())
		},
		slack: map[string]slack{
			// The memory of plugins that stay depends on when they last gave some back.
			memory: func(_, runs int) int {
				if runs < warmUp {
					return math.MaxInt
				}
				return 8192
			},
			worked: atMost(math.MaxInt), // theirs, for the runs
			// A lease's number gets longer.
			"bytes of files": atMost(4096), "bytes of the cache": atMost(4096),
		},
	}
	resting = course{
		unit:  "seconds",
		intro: func(*row) string { return "at rest" },
		slack: map[string]slack{
			memory: func(early, _ int) int { return early / 50 },
			worked: func(_, seconds int) int { return 10 * (seconds + 1) }, // a hundredth of a processor
		},
	}
)

// warmUp is how many runs fill the heaps of plugins that stay.
const warmUp = 500

// watch has hosts do the jobs and prints what came of them. It is an error if something grew.
func (c course) watch(t *table, jobs []job, hosts int) error {
	t.out = io.Discard
	err := t.fill(jobs, hosts)
	c.print(os.Stdout, t.rows)
	return errors.Join(err, c.steady(t.rows))
}

// growth is how a gauge was at the tenth part of a course and after, each the median of some
// samples, so that one that was taken at a bad moment doesn't count.
type growth struct{ early, late int }

// growthOf returns how a gauge grew. What grows in the first tenth is what all runs share,
// and caches that fill.
func growthOf(all []sample, name string) growth {
	if len(all) == 0 {
		return growth{}
	}
	sorted := slices.SortedFunc(slices.Values(all), func(a, b sample) int { return a.At - b.At })
	few := max(1, len(sorted)/10)
	begin := len(sorted) / 10
	return growth{median(sorted[begin:begin+few], name), median(sorted[len(sorted)-few:], name)}
}

func median(some []sample, name string) int {
	var values []int
	for _, s := range some {
		values = append(values, s.Gauges[name])
	}
	slices.Sort(values)
	return values[len(values)/2]
}

// print prints how the gauges of all victims grew.
func (c course) print(w io.Writer, rows []*row) {
	for _, r := range rows {
		if len(r.Samples) == 0 {
			continue
		}
		fmt.Fprintf(w, "\n%s: %d %s; %s\n", r.victim, r.until(), c.unit, c.intro(r))
		fmt.Fprintf(w, "%-27s %12s %12s %9s\n", "what the host has", "after 10%", "at the end", "grew by")
		for _, name := range gauges {
			grew := growthOf(r.Samples, name)
			fmt.Fprintf(w, "%-27s %12d %12d %9d\n", name, grew.early, grew.late, grew.late-grew.early)
		}
	}
}

// until returns when the last sample was taken.
func (t *tally) until() (last int) {
	for _, s := range t.Samples {
		last = max(last, s.At)
	}
	return last
}

// steady is an error if something grew that mustn't.
func (c course) steady(rows []*row) error {
	var errs []error
	for _, r := range rows {
		for _, name := range gauges {
			grew, most := growthOf(r.Samples, name), 0
			if slack := c.slack[name]; slack != nil {
				most = slack(grew.early, r.until())
			}
			if grew.late-grew.early > most {
				errs = append(errs, fmt.Errorf("%s: %s grew from %d to %d in %d %s", r.victim, name, grew.early, grew.late, r.until(), c.unit))
			}
		}
	}
	return errors.Join(errs...)
}
