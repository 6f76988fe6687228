// SPDX-License-Identifier: Apache-2.0

package main

import (
	"slices"
	"time"
)

// tally counts what runs left that were treated in one way.
type tally struct {
	Kills     int
	Hit       int // runs that it hit before they ended by themselves
	Survivors int // processes after the grace
	Late      int // other things after the grace
	Left      int // things after the next start
	Hangs     int // runs that had to be ended after the patience
	// Undone are the times from nsrun's death until all was gone, of runs that their
	// reaper undid.
	Undone []time.Duration
	// Samples are those of a soak, and Reaper what a reaper at rest has, in kilobytes.
	Samples []sample
	Reaper  int

	struck time.Time // when nsrun was killed and left its reaper to it; zero if it wasn't

	// After is what there was after the grace, and Examples some of what there was at
	// last, in words.
	After, Examples []string
}

// add adds what another tally counts, but not what it says of moments.
func (t *tally) add(o tally) {
	t.Kills += o.Kills
	t.Hit += o.Hit
	t.Survivors += o.Survivors
	t.Late += o.Late
	t.Left += o.Left
	t.Hangs += o.Hangs
	t.Undone = append(t.Undone, o.Undone...)
	t.Examples = append(t.Examples, o.Examples...)
	t.Samples = append(t.Samples, o.Samples...)
	t.Reaper = max(t.Reaper, o.Reaper)
}

// undone returns the median and the longest of the times, zero if there is none.
func (t *tally) undone() (median, longest time.Duration) {
	if len(t.Undone) == 0 {
		return 0, 0
	}
	sorted := slices.Sorted(slices.Values(t.Undone))
	return sorted[len(sorted)/2], sorted[len(sorted)-1]
}
