// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/nsrun/nsrun/internal/chaos/oracle"
)

// killer kills victims in a private host, and asks the oracle what they left.
type killer struct {
	prefix string // of the names of runs, and so of runc's control groups
	runs   int
	tell   func(tally) error
	rand   *rand.Rand

	ready  string          // the victim that what follows is of
	took   time.Duration   // by an undisturbed run
	before oracle.Snapshot // of the host without one
}

const (
	grace    = 2 * time.Second  // until what is left counts
	patience = 60 * time.Second // until a run counts as one that hangs
)

// way is a way to treat runs of a victim.
type way interface {
	name() string
	// torment does it to v as the job says, and accounts for each run.
	torment(k *killer, v victim, j job) error
}

// do does a job.
func (k *killer) do(j job) error {
	v, _ := victimOf(j.Victim)
	i := slices.IndexFunc(v.ways, func(w way) bool { return w.name() == j.Way })
	if i < 0 {
		return fmt.Errorf("BUG(chaos): no such job: %+v", j)
	}
	k.rand = rand.New(rand.NewPCG(j.Seed, 0))
	if err := k.prepareFor(v); err != nil {
		return err
	}
	err := v.ways[i].torment(k, v, j)
	if err != nil {
		k.ready = "" // the host may be in any state
	}
	return err
}

// prepareFor runs the victim undisturbed, so that what all runs share is there, and
// takes the snapshot to compare with.
func (k *killer) prepareFor(v victim) (err error) {
	if k.ready == v.name {
		return nil
	}
	for range 2 {
		begin := time.Now()
		if out, err := v.command(v.argv(k.id(), "true")).CombinedOutput(); err != nil {
			return fmt.Errorf("run undisturbed: %w\n%s", err, out)
		}
		k.took = time.Since(begin)
	}
	time.Sleep(grace)
	k.before, err = oracle.Take(k.scope())
	k.ready = v.name
	return err
}

func (k *killer) id() string {
	k.runs++
	return fmt.Sprint(k.prefix, k.runs)
}

// moment is one of a run, or shortly after it.
func (k *killer) moment() time.Duration { return k.momentOf(k.took) }

// momentOf is one of something that takes d, or shortly after it.
func (k *killer) momentOf(d time.Duration) time.Duration {
	return time.Duration(k.rand.Int64N(int64(d * 6 / 5)))
}

func (k *killer) scope() oracle.Scope {
	return oracle.Scope{Dirs: []string{"/run", "/tmp", "/mnt/xdg", "/var/lib/cni", "/dev/shm"}, Cgroups: k.prefix, Shared: shared}
}

// shared reports whether all runs of a user have the file in common.
func shared(path string) bool {
	for _, part := range []string{"/nsrun/cache", "/nsrun/names.lock", "/cni/networks/nsrun/l", "/xtables.lock", "/nsrun/native/lock"} {
		if strings.Contains(path, part) {
			return true
		}
	}
	return false
}

// account tells the tally of a run, with what it left: after the grace, and after the
// next start.
func (k *killer) account(v victim, t tally, id string) error {
	left, err := k.settled(grace)
	if err != nil {
		return err
	}
	if len(left) == 0 && !t.struck.IsZero() {
		t.Undone = append(t.Undone, time.Since(t.struck))
	}
	for _, thing := range left {
		if thing.Class == oracle.Process {
			t.Survivors++
		} else {
			t.Late++
		}
		t.After = append(t.After, fmt.Sprintf("%s (run %s)", thing, id))
	}
	if len(left) > 0 {
		err = k.startNext(v, &t, id)
	}
	if err != nil {
		return err
	}
	return k.tell(t)
}

// startNext starts what the victim's user would, and counts what is left then.
func (k *killer) startNext(v victim, t *tally, id string) error {
	// It may fail, as runc does for a container that isn't known; what counts is
	// what the host looks like then.
	_ = v.command(v.next(id)).Run()
	left, err := k.settled(grace)
	if err != nil || len(left) == 0 {
		return err
	}
	t.Left += len(left)
	for _, thing := range left[:min(len(left), 3)] {
		t.Examples = append(t.Examples, fmt.Sprintf("%s (run %s)", thing, id))
	}
	k.before, err = oracle.Take(k.scope()) // so that each counts once
	return err
}

// settled waits until the host is as before, no longer than d, and returns what is
// there besides.
func (k *killer) settled(d time.Duration) (left []oracle.Thing, err error) {
	pause := 5 * time.Millisecond
	for end := time.Now().Add(d); ; time.Sleep(pause) {
		left, err := k.since(oracle.Glance)
		last := time.Now().After(end)
		if err == nil && (len(left) == 0 || last) {
			left, err = k.since(oracle.Take)
		}
		if err != nil || len(left) == 0 || last {
			return left, err
		}
		pause = min(2*pause, 100*time.Millisecond)
	}
}

// since returns what a look at the host shows that wasn't there before.
func (k *killer) since(look func(oracle.Scope) (oracle.Snapshot, error)) ([]oracle.Thing, error) {
	now, err := look(k.scope())
	// What a process has open goes with it, and what this one has is its own.
	return slices.DeleteFunc(now.Since(k.before), func(t oracle.Thing) bool { return t.Class == oracle.FD }), err
}
