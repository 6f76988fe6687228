// SPDX-License-Identifier: Apache-2.0

package conform

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/nsrun/nsrun/ns"
)

// Child is a process in namespaces of its own that waits, for hooks.
type Child struct {
	// PID is its process id.
	PID int
	// Paths are its namespaces as files that outlive it.
	Paths map[ns.Kind]string
	// Kill ends it.
	Kill func()
	// Close gives up what Paths lead to.
	Close func()
}

// hooks are the checks that call PreExec, in the order of a run that goes well
// and of runs that don't.
func (r *runner) hooks() []row {
	whole := row{Check{ID: "E-3", Name: "PreExec and PostExec leave nothing on the host"}, r.withHooks(r.wholeRun)}
	if r.NewChild == nil || !slices.Contains(r.descriptor.Hooks, ns.PreExec) {
		return []row{whole} // which says why there are no more
	}
	return []row{
		whole,
		{Check{ID: "U-1", Name: "PostExec undoes a PreExec that was killed at once"}, r.withHooks(r.killedAfter(0))},
		{Check{ID: "U-1", Name: "PostExec undoes a PreExec that was killed half-way"}, r.withHooks(r.killedAfter(5 * time.Millisecond))},
		{Check{ID: "U-1", Name: "PostExec undoes a PreExec whose answer was lost"}, r.withHooks(r.killedAfter(time.Minute))},
		{Check{ID: "U-1", Name: "PostExec finishes a PostExec that was killed at once"}, r.withHooks(r.undoKilledAfter(0))},
		{Check{ID: "U-1", Name: "PostExec finishes a PostExec that was killed half-way"}, r.withHooks(r.undoKilledAfter(50 * time.Millisecond))},
		{Check{ID: "U-1", Name: "PostExec succeeds after a PostExec whose answer was lost"}, r.withHooks(r.undoKilledAfter(time.Minute))},
		{Check{ID: "U-5", Name: "PostExec leaves other runs alone"}, r.withHooks(r.leavesOthers)},
		{Check{ID: "E-6", Name: "the child is neither stopped nor traced nor ended"}, r.withHooks(r.leavesChild)},
		{Check{ID: "C-5", Name: "checking a run says what holds, and changes nothing"}, r.withHooks(r.checksRun)},
		{Check{ID: "M-3", Name: "a change of a run that can't be made is refused, and changes nothing"}, r.withHooks(r.refusesUpdate)},
		{Check{ID: "M-4", Name: "a change of nothing leaves a run's settings as they are"}, r.withHooks(r.updatesNothing)},
		{Check{ID: "P-8", Name: "programs that serve the run carry its id, and end with it"}, r.withHooks(r.endsHelpers)},
		{Check{ID: "E-8", Name: "programs that serve the run end when nobody of nsrun is left", Should: true}, r.withHooks(r.leavesNoHelperAlone)},
	}
}

// withHooks makes f's check if the plugin wants to be called at PreExec, here
// and now.
func (r *runner) withHooks(f func(offer *ns.Offer) Verdict) func() Verdict {
	return func() Verdict {
		if !slices.Contains(r.descriptor.Hooks, ns.PreExec) {
			return skip("the plugin has no pre-exec")
		}
		if r.NewChild == nil {
			return skip("PreExec changes the host; --hooks calls it")
		}
		if err := r.alive(); err != nil {
			return failure(err)
		}
		offer, err := r.plugin.Negotiate(r.ctx, r.request())
		switch {
		case err != nil:
			return failure(err)
		case ns.HasErrors(offer.Diagnostics):
			return skip("the plugin refuses this run: " + strings.Join(said(offer.Diagnostics), "; "))
		case !slices.Contains(offer.Hooks, ns.PreExec):
			return skip("the offer asks for no pre-exec; give the flags of a run that does, behind --")
		case slices.Contains(offer.Wants, ns.User):
			return skip("the offer wants a user namespace, which is for another plugin to set up")
		}
		return f(offer)
	}
}

// trial is one run for hooks.
type trial struct {
	r        *runner
	child    *Child
	lifeline *os.File // writing end
	req      *ns.HookRequest
}

// try makes a child and calls f with its run. The child is gone when it returns.
func (r *runner) try(offer *ns.Offer, f func(t *trial) []string) Verdict {
	child, err := r.NewChild(offer.Kinds, offer.Pin)
	if err != nil {
		return skip("no child can be made here: " + err.Error())
	}
	defer child.Close()
	defer child.Kill()
	dir, err := os.MkdirTemp("", "nsp-run-")
	if err != nil {
		return failure(err)
	}
	defer os.RemoveAll(dir)
	// What a hook leaves among temporary files another process must find.
	r.temp = filepath.Join(dir, "t")
	defer func() { r.temp = "" }()
	if err := errors.Join(os.Mkdir(r.temp, 0o700), os.Mkdir(filepath.Join(dir, "state"), 0o700)); err != nil {
		return failure(err)
	}
	lifeline, err := makeLifeline(filepath.Join(dir, "lifeline"))
	if err != nil {
		return failure(err)
	}
	defer lifeline.Close()
	id := "conform" + strconv.FormatInt(time.Now().UnixNano(), 36)
	r.serves = id
	defer func() { r.serves = "" }()
	faults := f(&trial{r, child, lifeline, &ns.HookRequest{
		Point: ns.PreExec, Plugin: r.descriptor.Name, RunID: id, RunName: id, PID: child.PID, Paths: child.Paths,
		StateDir: filepath.Join(dir, "state"), Lifeline: lifeline.Name(), Request: *r.request(), IDMap: offer.IDMap,
	}})
	return Verdict{Faults: append(faults, r.dismiss(id)...)}
}

// makeLifeline makes a run's FIFO and returns its writing end. For writing alone, open(2)
// would wait for a reader; fifo(7).
func makeLifeline(path string) (*os.File, error) {
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		return nil, &os.PathError{Op: "mkfifo", Path: path, Err: err}
	}
	return os.OpenFile(path, os.O_RDWR, 0)
}

// end ends the child, and calls PostExec again and again, in a process of its own.
func (t *trial) end(state []byte) []string {
	t.child.Kill()
	req := t.undoing(state)
	v := t.r.fresh("debug", func(p *process, plugin *Plugin) Verdict {
		var faults []string
		for range 3 {
			faults = append(faults, undo(t.r.ctx, plugin, req)...)
		}
		return Verdict{Faults: append(faults, p.litter()...)}
	})()
	return v.Faults
}

// hook calls PreExec in a process of its own and returns the answer, nil if there
// is none, and what is wrong with it.
func (t *trial) hook() (*ns.HookReply, []string) {
	var reply *ns.HookReply
	v := t.r.fresh("debug", func(_ *process, plugin *Plugin) Verdict {
		got, err := plugin.Hook(t.r.ctx, t.req)
		if err != nil {
			return failure(err)
		}
		reply = got
		faults := said(ns.CheckReply(t.req, reply))
		if ns.HasErrors(reply.Diagnostics) {
			faults = append(faults, "pre-exec failed: "+strings.Join(said(reply.Diagnostics), "; "))
		}
		return Verdict{Faults: faults}
	})()
	return reply, v.Faults
}

// hookKilled calls the hook of req in a process that is killed after a time, or
// when it has answered.
func (t *trial) hookKilled(req *ns.HookRequest, patience time.Duration) []string {
	return t.r.fresh("debug", func(p *process, plugin *Plugin) Verdict {
		answered := make(chan struct{})
		go func() {
			defer close(answered)
			_, _ = plugin.Hook(t.r.ctx, req) // it is killed in the call
		}()
		select {
		case <-answered:
		case <-time.After(patience):
		}
		p.kill()
		<-answered
		return Verdict{}
	})().Faults
}

// undoing returns the request of the run's PostExec.
func (t *trial) undoing(state []byte) *ns.HookRequest {
	req := *t.req
	req.Point, req.PID, req.State = ns.PostExec, 0, state
	return &req
}

// whole makes a run that goes well, but for what between does with its answer
// before PostExec.
func (r *runner) whole(offer *ns.Offer, between func(t *trial, reply *ns.HookReply) []string) Verdict {
	return r.traceless(offer, func(t *trial) []string {
		reply, faults := t.hook()
		if reply == nil {
			return append(faults, t.end(nil)...)
		}
		faults = append(faults, between(t, reply)...)
		return append(faults, t.end(reply.State)...)
	})
}

// wholeRun is a run that goes well.
func (r *runner) wholeRun(offer *ns.Offer) Verdict {
	return r.whole(offer, func(*trial, *ns.HookReply) []string { return nil })
}

// traceless makes a run and checks that nothing of it is left.
func (r *runner) traceless(offer *ns.Offer, f func(t *trial) []string) Verdict {
	var v Verdict
	added := changes(func() { v = r.try(offer, f) })
	v.Faults = append(v.Faults, added...)
	return v
}

// killedAfter returns the check of a PreExec whose process is killed.
func (r *runner) killedAfter(patience time.Duration) func(*ns.Offer) Verdict {
	return func(offer *ns.Offer) Verdict {
		return r.traceless(offer, func(t *trial) []string {
			return append(t.hookKilled(t.req, patience), t.end(nil)...)
		})
	}
}

// undoKilledAfter returns the check of a PostExec whose process is killed.
func (r *runner) undoKilledAfter(patience time.Duration) func(*ns.Offer) Verdict {
	return func(offer *ns.Offer) Verdict {
		return r.whole(offer, func(t *trial, reply *ns.HookReply) []string {
			t.child.Kill()
			return t.hookKilled(t.undoing(reply.State), patience)
		})
	}
}
