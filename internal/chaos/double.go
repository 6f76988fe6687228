// SPDX-License-Identifier: Apache-2.0

package main

import "time"

// double is a death in two blows, the second at a random moment after the first: while
// what the first has begun is under way.
type double struct {
	title         string
	first, second death
	// undoing says that the first blow falls when the command has ended, so that its
	// plugins are being asked to undo what they did.
	undoing bool
}

func doubles() []way {
	killed := func(of ...role) death { return death{of: of} }
	return []way{
		double{title: "of the reaper, then nsrun", first: killed(reaper), second: killed(front)},
		double{title: "of nsrun, then the reaper", first: killed(front), second: killed(reaper)},
		double{title: "of nsrun, then who undoes", first: killed(front), second: killed(plugin, pluginHost)},
		double{title: "of a plugin in PostExec, then nsrun", first: killed(plugin), second: killed(front), undoing: true},
		double{title: "of nsrun in PostExec, then a plugin", first: killed(front), second: killed(plugin), undoing: true},
	}
}

func (d double) name() string { return d.title }

func (d double) torment(k *killer, v victim, j job) error {
	return j.repeat(func() error { return k.killTwice(v, d) })
}

// killTwice has a run die of two blows.
func (k *killer) killTwice(v victim, d double) error {
	id, t := k.id(), tally{Kills: 1}
	begin, pause := k.beginAny, k.took
	if d.undoing {
		begin, pause = k.beginToUndo, k.took>>(1+k.rand.IntN(4)) // an undo takes less than the run, and some far less
	}
	a, err := begin(v, id)
	if err != nil {
		return err
	}
	hits := 0
	for _, blow := range []death{d.first, d.second} {
		a.endsWithin(k.momentOf(pause))
		hits += min(blow.strikeSoon(a), 1)
	}
	t.Hit += hits / 2 // by both
	_ = a.outlast(patience, &t)
	return k.account(v, t, id)
}

// strikeSoon strikes as soon as there is somebody to strike, or the run has ended, and
// returns how many there were.
func (d death) strikeSoon(a *attempt) (killed int) {
	for {
		ended := a.endsWithin(time.Millisecond)
		if killed = d.strikeBelow(1, a.pid()); killed > 0 || ended {
			return killed
		}
	}
}

// beginAny starts a run whose command doesn't end.
func (k *killer) beginAny(v victim, id string) (*attempt, error) {
	return start(v.command(v.argv(id, words("sleep 5151")...)))
}

// beginToUndo starts a run and returns when its command is about to end.
func (k *killer) beginToUndo(v victim, id string) (*attempt, error) {
	return hear(v.command(v.argv(id, "echo", "over")))
}
