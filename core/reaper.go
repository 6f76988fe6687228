// SPDX-License-Identifier: Apache-2.0

package core

import (
	"context"
	"path/filepath"

	"github.com/nsrun/nsrun/core/stage"
	"github.com/nsrun/nsrun/ns"
)

// reaperName is what nsrun is called, by its first argument, when it is a reaper.
const reaperName = "nsrun-reaper"

// ReaperOf returns the id of the run that this process is the reaper of, if argv
// are the arguments of one.
func ReaperOf(argv []string) (id string, ok bool) {
	if len(argv) != 2 || argv[0] != reaperName {
		return "", false
	}
	return argv[1], true
}

// startReaper starts the process that settles the run at once if this one is
// killed, before anything on the host changes that somebody would have to undo.
// Without it a run is as safe, but only the next nsrun settles it.
func (r *run) startReaper() error {
	if len(r.plan.Calls(ns.PostExec)) == 0 && len(r.plan.Pin) == 0 {
		return nil
	}
	defer r.Timings.Begin("reaper")()
	reaper, err := stage.StartReaper([]string{reaperName, r.journal.Header().ID}, r.Environ)
	if err != nil {
		r.warn(&ns.Diagnostic{Summary: "start the reaper: " + err.Error(), Detail: "if nsrun is killed, only the next nsrun will undo this run",
			Hint: "see the limits of processes and memory: ulimit -a"})
		return nil
	}
	r.reaper = reaper
	return r.journal.Reaper(reaper.PID())
}

// dismissReaper ends the reaper, if there is one.
func (r *run) dismissReaper() {
	if r.reaper != nil {
		r.reaper.Dismiss()
	}
}

// Reap waits until the nsrun of the run id is gone, and undoes what it left.
func (s *Session) Reap(ctx context.Context, id string) error {
	run := s.Base.Await(filepath.Base(id))
	if run == nil {
		return nil // it or somebody else has done all
	}
	return s.settle(ctx, run)
}
