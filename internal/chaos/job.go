// SPDX-License-Identifier: Apache-2.0

package main

import (
	"slices"
	"strings"
	"time"
)

// job is what one private host does at a time: a part of a row.
type job struct {
	Victim, Way string
	// Times is how often it is to be done, how large a crowd or how long a soak is, and how
	// many rest at once.
	Times int
	Rest  time.Duration // how long they rest
	// First and Stride are the system calls of a sweep: the First of each process, and
	// then each Stride-th.
	First, Stride int
	Seed          uint64
}

// repeat does what the job is about Times, or until it fails.
func (j job) repeat(once func() error) error {
	for range j.Times {
		if err := once(); err != nil {
			return err
		}
	}
	return nil
}

// portion is how many random kills are a job: a few seconds.
const portion = 20

// jobs returns all that c asks for, row by row; sweeps, which take longest, come last.
func (c config) jobs() (all []job) {
	for _, v := range victims() {
		if !strings.Contains(v.name, c.only) || !v.ours && !c.peers {
			continue
		}
		for _, w := range v.ways {
			if strings.Contains(w.name(), c.ways) {
				all = append(all, c.share(job{Victim: v.name, Way: w.name()}, w)...)
			}
		}
	}
	slices.SortStableFunc(all, func(a, b job) int { return min(a.Stride, 1) - min(b.Stride, 1) })
	for i := range all {
		all[i].Seed = c.seed + uint64(i)
	}
	return all
}

// share splits the work of a row into jobs.
func (c config) share(j job, w way) []job {
	_, rests := w.(rest)
	_, soaks := w.(soak)
	switch {
	case rests != (c.rest > 0), soaks != (c.soak > 0):
		return nil
	case rests:
		j.Rest = c.rest
		return portions(j, c.sandboxes, c.sandboxes)
	case soaks:
		return portions(j, c.soak, c.soak)
	}
	switch w := w.(type) {
	case crowd:
		return portions(j, c.crowd, c.crowd)
	case sweep:
		return w.strides(j, c.step)
	case relapse:
		return portions(j, (c.kills+relapses-1)/relapses, portion/relapses)
	}
	return portions(j, c.kills, portion)
}

// portions splits so many times into jobs of at most size.
func portions(j job, times, size int) (all []job) {
	for ; times > 0; times -= size {
		j.Times = min(times, size)
		all = append(all, j)
	}
	return all
}

// victimOf returns the victim of that name.
func victimOf(name string) (victim, bool) {
	all := victims()
	i := slices.IndexFunc(all, func(v victim) bool { return v.name == name })
	if i < 0 {
		return victim{}, false
	}
	return all[i], true
}
