// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"io"
	"slices"
)

// growth is how a gauge was at the tenth part of a soak and after, each the median of some
// samples, so that one that was taken at a bad moment doesn't count.
type growth struct{ early, late int }

// growthOf returns how a gauge grew. What grows in the first tenth is what all runs share,
// and caches that fill.
func growthOf(all []sample, name string) growth {
	if len(all) == 0 {
		return growth{}
	}
	sorted := slices.SortedFunc(slices.Values(all), func(a, b sample) int { return a.Runs - b.Runs })
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

// printSoak prints what came of the soaks of all victims.
func printSoak(w io.Writer, rows []*row) {
	for _, r := range rows {
		if len(r.Samples) == 0 {
			continue
		}
		_, longest := r.undone()
		fmt.Fprintf(w, "\n%s: %d runs; the reaper of a run at rest has %d kB, and undid it in %d ms\n",
			r.victim, r.runs(), r.Reaper, longest.Milliseconds())
		fmt.Fprintf(w, "%-22s %12s %12s %9s\n", "what the host has", "after 10%", "at the end", "grew by")
		for _, g := range gauges {
			grew := growthOf(r.Samples, g.name)
			fmt.Fprintf(w, "%-22s %12d %12d %9d\n", g.name, grew.early, grew.late, grew.late-grew.early)
		}
	}
}

// runs returns after how many the last sample was taken.
func (t *tally) runs() (last int) {
	for _, s := range t.Samples {
		last = max(last, s.Runs)
	}
	return last
}

// steady is an error if something grew that mustn't.
func steady(rows []*row) error {
	var errs []error
	for _, r := range rows {
		for _, g := range gauges {
			if grew := growthOf(r.Samples, g.name); grew.late-grew.early > g.allowance && r.runs() >= g.from {
				errs = append(errs, fmt.Errorf("%s: %s grew from %d to %d in %d runs", r.victim, g.name, grew.early, grew.late, r.runs()))
			}
		}
	}
	return errors.Join(errs...)
}
