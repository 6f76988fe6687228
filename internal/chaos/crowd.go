// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"slices"
	"time"
)

// crowd is many runs at once, of which every tenth is killed at a random moment.
type crowd struct{}

func (crowd) name() string { return "a crowd, every tenth killed" }

// torment starts as many runs as the job says, and accounts for all. A run that finds no
// address left, or no answer in time on a machine that has so much to do, ends with 125
// and has to leave as little as any.
func (crowd) torment(k *killer, v victim, j job) error {
	var runs []*attempt
	for range j.Times {
		a, err := start(v.command(v.argv(k.id(), "sleep", "1")))
		if err != nil {
			return err
		}
		runs = append(runs, a)
	}
	var t tally
	for i := 0; i < len(runs); i += 10 {
		time.Sleep(k.moment())
		t.Kills++
		t.Hit += death{of: []role{front}}.strike(runs[i].pid())
	}
	if err := outlastAll(runs, &t); err != nil {
		return err
	}
	return k.account(v, t, "one of many")
}

// outlastAll waits for the ends of runs. How they end says whether they are nsrun's own.
func outlastAll(runs []*attempt, t *tally) error {
	end := time.Now().Add(2 * patience)
	for _, a := range runs {
		_ = a.outlast(max(time.Until(end), time.Second), t)
		if code := a.cmd.ProcessState.ExitCode(); !slices.Contains([]int{-1, 0, 125}, code) {
			return fmt.Errorf("a run of many ended with %d", code)
		}
	}
	return nil
}
