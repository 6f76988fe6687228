// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"time"

	"github.com/nsrun/nsrun/internal/procfs"
)

// soak is runs one after the other that nobody disturbs: what the host has of each thing
// must not grow with them.
type soak struct{}

// soakAll has the hosts soak every victim, and prints what came of it.
func soakAll(c config, hosts int) error {
	return soaking.watch(&table{}, c.jobs(), hosts)
}

func (soak) name() string { return "soak" }

// samples is how often the host is looked at in a soak.
const samples = 50

func (soak) torment(k *killer, v victim, j job) error {
	if err := k.restingReaper(v); err != nil {
		return err
	}
	for i := 1; i <= j.Times; i++ {
		if out, err := v.command(v.argv(k.id(), "true")).CombinedOutput(); err != nil {
			return fmt.Errorf("run %d: %w\n%s", i, err, out)
		}
		if i%max(1, j.Times/samples) > 0 {
			continue
		}
		if _, err := k.settled(grace); err != nil {
			return err
		}
		if err := k.sample(i); err != nil {
			return err
		}
	}
	return nil
}

// sample tells what the host has at a time.
func (k *killer) sample(at int) error {
	g, err := gauge()
	if err != nil {
		return err
	}
	return k.tell(tally{Samples: []sample{{At: at, Gauges: g}}})
}

// restingReaper tells the memory of the reaper of a run at rest, if it has one.
func (k *killer) restingReaper(v victim) error {
	a, err := start(v.command(v.argv(k.id(), words("sleep 5151")...)))
	if err != nil {
		return err
	}
	time.Sleep(k.took + grace)
	var t tally
	for _, p := range family(a.pid(), a.pid()) {
		if p.role == reaper {
			t.Reaper, _ = procfs.PSS(p.pid)
		}
	}
	t.struck = time.Now()
	_ = a.cmd.Process.Kill()
	_ = a.outlast(patience, &t)
	if left, err := k.settled(patience); err != nil || len(left) > 0 {
		return fmt.Errorf("left of a run that was killed at rest: %v, %w", left, err)
	}
	t.Undone = append(t.Undone, time.Since(t.struck))
	return k.tell(t)
}
