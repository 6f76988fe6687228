// SPDX-License-Identifier: Apache-2.0

package main

// relapse is the death of whoever starts, until one is left to live: it kills a run with
// its reaper, and each next start that would settle it.
type relapse struct{}

// relapses is how often the one is killed as well that is to undo what the last left.
const relapses = 4

func (relapse) name() string { return "again and again" }

func (relapse) torment(k *killer, v victim, j job) error {
	return j.repeat(func() error { return k.relapse(v) })
}

func (k *killer) relapse(v victim) error {
	d := death{of: []role{front, reaper}}
	id := k.id()
	var t tally
	for round := range 1 + relapses {
		argv := v.argv(id, "sleep", "5151")
		if round > 0 {
			argv = v.next(id)
		}
		a, err := start(v.command(argv))
		if err != nil {
			return err
		}
		a.endsWithin(k.moment())
		k.strike(a, d, &t)
	}
	return k.account(v, t, id)
}
