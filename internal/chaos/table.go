// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"io"
	"time"
)

// table is the figures, printed row by row as soon as each is whole.
type table struct {
	out     io.Writer
	verbose bool
	look    func(sample) // is told samples as they come, instead of the progress; may be nil
	rows    []*row
	begun   time.Time
}

// row is a line of the table: what one way of dying did to one victim.
type row struct {
	victim, way string
	ours        bool
	tally
	open    int // jobs that aren't done
	printed bool
}

// expect makes the rows of the jobs.
func (t *table) expect(jobs []job) {
	t.begun = time.Now()
	for _, j := range jobs {
		t.row(j).open++
	}
}

// row returns the row that a job is a part of.
func (t *table) row(j job) *row {
	for _, r := range t.rows {
		if r.victim == j.Victim && r.way == j.Way {
			return r
		}
	}
	v, _ := victimOf(j.Victim)
	r := &row{victim: j.Victim, way: j.Way, ours: v.ours}
	t.rows = append(t.rows, r)
	return r
}

// add adds to the row of a job.
func (t *table) add(j job, more tally) {
	t.row(j).add(more)
	if t.look != nil {
		for _, s := range more.Samples {
			t.look(s)
		}
	}
	if t.verbose {
		for _, thing := range more.After {
			fmt.Fprintf(t.out, "%s, %s: after 2 s %s\n", j.Victim, j.Way, thing)
		}
	}
}

// done says that a job is done, which may be the last of its row.
func (t *table) done(j job) {
	r := t.row(j)
	if r.open--; r.open == 0 {
		t.print(r, "")
	}
}

// close prints the rows that have begun and aren't whole, and the sum.
func (t *table) close() {
	sum := row{victim: "nsrun, all", way: "all ways"}
	for _, r := range t.rows {
		if !r.printed && r.Kills > 0 {
			t.print(r, " (cut short)")
		}
		if r.ours {
			sum.add(r.tally)
		}
	}
	sum.Examples = nil
	t.print(&sum, "")
	fmt.Fprintf(t.out, "in %v\n", time.Since(t.begun).Round(time.Second))
}

const columns = "%-26s %-36s %7v %7v %9v %15v %19v %5v %22v\n"

func (t *table) header() {
	fmt.Fprintf(t.out, columns, "victim", "way", "kills", "hit", "survivors", "leaks after 2 s", "after the next start", "hangs", "undone: median, longest")
}

func (t *table) print(r *row, remark string) {
	r.printed = true
	undone := "-"
	if median, longest := r.undone(); longest > 0 {
		undone = fmt.Sprintf("%d ms, %d ms", median.Milliseconds(), longest.Milliseconds())
	}
	fmt.Fprintf(t.out, columns, r.victim, r.way+remark, r.Kills, r.Hit, r.Survivors, r.Late, r.Left, r.Hangs, undone)
	for _, e := range r.Examples {
		fmt.Fprintf(t.out, "%s, %s: left %s\n", r.victim, r.way, e)
	}
}

// progress says in one line how far it has come.
func (t *table) progress() string {
	var sum tally
	open, all := 0, len(t.rows)
	for _, r := range t.rows {
		sum.add(r.tally)
		open += min(r.open, 1)
	}
	return fmt.Sprintf("chaos: %v: %d of %d rows, %d kills, %d survivors, %d left, %d hangs",
		time.Since(t.begun).Round(time.Second), all-open, all, sum.Kills, sum.Survivors, sum.Left, sum.Hangs)
}

// verdict is an error if nsrun left anything for good, or hung. What is left for
// a moment is printed only, since it depends on the machine's load.
func (t *table) verdict() error {
	var errs []error
	for _, r := range t.rows {
		if r.ours && r.Left+r.Hangs > 0 {
			errs = append(errs, fmt.Errorf("%s, %s: %d things left after the next start, %d runs hung", r.victim, r.way, r.Left, r.Hangs))
		}
	}
	return errors.Join(errs...)
}
