// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os/exec"
	"slices"
	"time"
)

// pool is a victim whose network has fewer addresses than a crowd has runs.
func pool() victim {
	return ours("root pool", false, "--plugins pid,net=native,mount --subnet 10.98.0.0/26")
}

// overcrowd has a crowd on the pool.
func (k *killer) overcrowd(v victim, size int) (row, error) {
	took, err := k.healthy(v)
	if err != nil {
		return row{}, err
	}
	return k.crowd(v, size, took)
}

// crowd starts many runs at once, kills every tenth at a random moment, and accounts for all.
// A run that finds no address left, or no answer in time on a machine that has so much to do,
// ends with 125 and has to leave as little as any.
func (k *killer) crowd(v victim, size int, took time.Duration) (row, error) {
	r := row{victim: v.name, way: fmt.Sprint(size, " at once, every tenth killed"), ours: true}
	var runs []*exec.Cmd
	var ends []<-chan error
	for range size {
		cmd := v.command(v.argv(k.id(), "sleep", "1"))
		ended, err := start(cmd)
		if err != nil {
			return r, err
		}
		runs, ends = append(runs, cmd), append(ends, ended)
	}
	for i := 0; i < size; i += 10 {
		time.Sleep(k.moment(took))
		r.kills++
		r.reached += deaths()[0].strike(runs[i].Process.Pid)
	}
	end := time.Now().Add(2 * patience)
	for i := range runs {
		_ = r.outlast(runs[i], ends[i], max(time.Until(end), time.Second))
		if code := runs[i].ProcessState.ExitCode(); !slices.Contains([]int{-1, 0, 125}, code) {
			return r, fmt.Errorf("a run of many ended with %d", code)
		}
	}
	return r, k.account(v, &r, "one of many")
}
