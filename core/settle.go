// SPDX-License-Identifier: Apache-2.0

package core

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/nsrun/nsrun/core/find"
	"github.com/nsrun/nsrun/core/journal"
	"github.com/nsrun/nsrun/ns"
)

// settle undoes a run and removes its directory. If a hook fails, or a pin, the directory
// stays, so that the next nsrun tries again.
func (s *Session) settle(ctx context.Context, run *journal.Run) error {
	if err := s.release(ctx, run); err != nil {
		return errors.Join(err, run.Close())
	}
	return run.Remove()
}

// release calls the PostExec hooks that a run still owes, latest first, and lets go of
// its namespaces if they have all succeeded.
func (s *Session) release(ctx context.Context, run *journal.Run) error {
	if err := run.Hold(); err != nil {
		return err
	}
	var errs []error
	for _, call := range run.Owed() {
		errs = append(errs, s.postExec(ctx, run, call))
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	return run.Unpin()
}

// Forget undoes the dead run id and removes it, whatever its plugins say, and tells by
// s.Notice what they couldn't undo: nobody looks after that any more.
func (s *Session) Forget(ctx context.Context, id string) error {
	run := s.Base.TakeOver(id)
	if run == nil {
		return &ns.Diagnostic{Summary: "forget run " + id + ": it is alive, or somebody is undoing it", Hint: "nsctl ps -a"}
	}
	left := s.release(ctx, run)
	for _, d := range ns.Diagnose(left) {
		d.Severity, d.Hint = ns.Warning, "it is forgotten: what is left of it is to be removed by hand"
		s.Notice(&d)
	}
	return errors.Join(run.Unpin(), run.Remove())
}

func (s *Session) postExec(ctx context.Context, run *journal.Run, call ns.HookRequest) error {
	defer s.Timings.Begin("post-exec " + call.Plugin)()
	plugin, err := s.binaryOf(run.Header().Plugins, &call)
	if err != nil {
		return err
	}
	call.PID = 0
	reply, err := s.undo(ctx, plugin, &call)
	if err != nil {
		return err
	}
	if err := errors.Join(s.tell(call.Plugin, reply.Diagnostics)...); err != nil {
		return err
	}
	return run.Undone(call.Plugin)
}

// binaryOf returns the plugin of a call that is owed, among those of its run.
func (s *Session) binaryOf(plugins []find.Plugin, call *ns.HookRequest) (find.Plugin, error) {
	i := slices.IndexFunc(plugins, func(p find.Plugin) bool { return p.Name == call.Plugin })
	if i < 0 {
		return find.Plugin{}, &ns.Diagnostic{Plugin: call.Plugin, Summary: "the journal of run " + call.RunID + " names no binary for this plugin"}
	}
	return s.current(plugins[i]), nil
}

// current returns a plugin of a run as it is on disk now: after an upgrade the new binary
// undoes what the old one did. If it can't be used, that comes out when it is.
func (s *Session) current(p find.Plugin) find.Plugin {
	if now, err := find.Find(p.Path, s.dirs); err == nil {
		return now
	}
	return p
}

// undo makes a PostExec call, and once more if the plugin or its host died of the
// first, as they do when somebody kills all that belongs to a run. One that had all
// of its time and gave no answer isn't asked again.
func (s *Session) undo(ctx context.Context, p find.Plugin, call *ns.HookRequest) (*ns.HookReply, error) {
	begin := time.Now()
	reply, err := s.Host.Hook(ctx, p, call)
	if err == nil || time.Since(begin) > secondChance {
		return reply, err
	}
	s.Log.Debug("post-exec once more", "plugin", p.Name, "error", err)
	return s.Host.Hook(ctx, p, call)
}

// secondChance is less than any deadline of a PostExec call.
const secondChance = 2 * time.Second

// Collected is what GC did, or would do, for one dead run.
type Collected struct {
	ID string `json:"id"`
	// Owed are the plugins whose PostExec was owed.
	Owed []string `json:"owed,omitempty"`
	// EarlierBoot says that the machine has been started anew since: what the run had made
	// in the kernel went with it.
	EarlierBoot bool `json:"earlierBoot,omitempty"`
	// Err says what could not be undone; nil if all was.
	Err error `json:"-"`
}

// GC undoes and removes what runs left whose nsrun was killed. With dryRun it
// only says what it would do.
func (s *Session) GC(ctx context.Context, dryRun bool) ([]Collected, error) {
	dead, err := s.Base.Dead()
	var done []Collected
	for _, run := range dead {
		c := Collected{ID: run.Header().ID, EarlierBoot: run.OfEarlierBoot()}
		for _, call := range run.Owed() {
			c.Owed = append(c.Owed, call.Plugin)
		}
		if dryRun {
			c.Err = run.Close()
		} else {
			c.Err = s.settle(ctx, run)
		}
		done = append(done, c)
	}
	return done, err
}

// collect undoes what dead runs left, before or beside a run of our own, and
// returns how many there were. Failures are warnings: they are nobody's fault in
// this run.
func (s *Session) collect(ctx context.Context) int {
	defer s.Timings.Begin("collect dead runs")()
	done, err := s.GC(ctx, false)
	for _, c := range done {
		s.Log.Debug("collected a dead run", "id", c.ID, "owed", c.Owed, "error", c.Err)
		err = errors.Join(err, c.Err)
	}
	s.warn(err)
	return len(done)
}

// warn tells the user of an error that doesn't change how the run ends.
func (s *Session) warn(err error) {
	for _, d := range ns.Diagnose(err) {
		d.Severity = ns.Warning
		s.Notice(&d)
	}
}
