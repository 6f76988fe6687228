// SPDX-License-Identifier: Apache-2.0

package core

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"time"

	"github.com/nsrun/nsrun/core/journal"
	"github.com/nsrun/nsrun/core/plan"
	"github.com/nsrun/nsrun/core/stage"
	"github.com/nsrun/nsrun/ns"
)

// Exit statuses of nsrun itself; the command's own are passed on as they are.
const (
	ExitFailed        = 125 // nsrun or a plugin failed before the command started
	ExitNotExecutable = 126 // the command was found but can't be executed
	ExitNotFound      = 127 // the command was not found
)

// Run carries out a plan and returns the exit status of the command, or one of
// nsrun's own with an error. Whatever happened, PostExec hooks have been called
// and the run directory is gone when it returns; what could not be undone is
// left to [Session.GC] and told to Notice.
func (s *Session) Run(ctx context.Context, inv *Invocation, p *ns.Plan) (status int, err error) {
	r := newRun(s, inv, p)
	defer r.closeJoins()
	defer func() { r.inputs.Close() }()
	if err := r.begin(); err != nil {
		return ExitFailed, err
	}
	defer r.finish(ctx)
	if err := r.preExec(ctx); err != nil {
		return ExitFailed, err
	}
	if err := r.release(); err != nil {
		return statusOf(err), r.explain(err)
	}
	return r.supervise(ctx)
}

// run is one run under way.
type run struct {
	*Session
	inv      *Invocation
	plan     *ns.Plan
	merged   []byte // the plan in JSON before any hook, if a member requires it
	members  map[string]*Member
	journal  *journal.Run
	child    *stage.Child
	program  *stage.Program // what the child is to carry out, once that is known
	status   *statusWriter
	paths    map[ns.Kind]string
	lifeline string // the FIFO by which what serves the run knows of its end
	joins    []stage.Join
	reaper   *stage.Reaper  // from the first change to the host on
	console  *stage.Console // nil if the command has the caller's terminal
	inputs   *stage.Inputs  // what steps take from the caller
}

func newRun(s *Session, inv *Invocation, p *ns.Plan) *run {
	r := &run{Session: s, inv: inv, plan: p, members: map[string]*Member{}, paths: map[ns.Kind]string{}}
	for _, m := range inv.Members {
		r.members[m.Name] = m
	}
	return r
}

// begin makes the blocked child and the run directory, or neither. Where no hook
// is to be called, the child sets up its namespaces meanwhile, which nobody
// outside can see; the command waits until the run is written down.
func (r *run) begin() error {
	if err := errors.Join(r.openJoins(), r.readInputs()); err != nil {
		return err
	}
	if err := r.openConsole(); err != nil {
		return err
	}
	if err := r.clone(); err != nil {
		return err
	}
	if err := r.prepare(); err != nil {
		r.child.Abandon()
		return err
	}
	return nil
}

// prepare gives the child, which is making its namespaces, what it can have before any
// hook, and makes the run directory.
func (r *run) prepare() error {
	if m := r.plan.IDMap; m != nil && m.Direct {
		if err := r.child.WriteMap(m); err != nil {
			return r.explain(err)
		}
	}
	if len(r.plan.Calls(ns.PreExec)) == 0 {
		if err := r.compile(); err != nil {
			return err
		}
		r.child.Load(r.program)
	}
	return r.open()
}

// readInputs takes from the caller what steps ask for, before the child exists,
// which closes all that it isn't given.
func (r *run) readInputs() (err error) {
	r.inputs, err = stage.ReadInputs(r.plan.Steps, r.Environ)
	return err
}

// open makes the run directory and writes down what there is to know.
func (r *run) open() (err error) {
	defer r.Timings.Begin("run directory")()
	if r.status, err = openStatus(r.inv.StatusFD); err != nil {
		return err
	}
	r.journal, err = r.Base.Create(journal.Header{
		Name: r.inv.Name, UID: r.Facts.UID, PID: pid(), Started: time.Now().Unix(),
		Argv: r.inv.Command, Kinds: r.plan.KindList(), Plugins: pluginsOf(r.inv.Members),
	})
	if err != nil {
		return err
	}
	if err := r.journal.Child(r.child.PID()); err != nil {
		return errors.Join(err, r.journal.Remove())
	}
	return nil
}

// clone makes the child in its namespaces, blocked.
func (r *run) clone() error {
	defer r.Timings.Begin("clone")()
	err := r.console.Lend(func() (err error) {
		r.child, err = stage.StartWith(r.inputs, r.plan.KindList(), r.joins...)
		return err
	})
	if err != nil {
		r.console.Close()
		return r.explain(err)
	}
	r.child.Attach(r.console)
	return nil
}

// compile turns the plan's steps into what the child carries out.
func (r *run) compile() (err error) {
	defer r.Timings.Begin("compile")()
	r.program, err = stage.Compile(r.config())
	return err
}

// preExec calls the PreExec hooks in order and adds what they answer to the plan.
func (r *run) preExec(ctx context.Context) error {
	calls := r.plan.Calls(ns.PreExec)
	if len(calls) == 0 {
		return nil
	}
	r.collect(ctx)
	if err := errors.Join(r.keepMerged(), r.startReaper(), r.openLifeline(), r.child.AwaitNamespaces()); err != nil {
		return r.explain(err)
	}
	for _, k := range r.plan.Pin {
		path, err := r.journal.Pin(k, r.child.PID())
		if err != nil {
			return err
		}
		r.paths[k] = path
	}
	reviewed := len(r.plan.Steps) + len(r.plan.Env)
	for _, name := range calls {
		if err := r.preExecOne(ctx, name); err != nil {
			return err
		}
	}
	if err := r.checkMap(); err != nil {
		return err
	}
	if len(r.plan.Steps)+len(r.plan.Env) == reviewed {
		return nil
	}
	return r.review(ctx, r.inv, r.plan)
}

// openLifeline makes what tells the helpers of hooks that the run is over, even if this
// process and its reaper are killed together.
func (r *run) openLifeline() (err error) {
	r.lifeline, err = r.journal.Lifeline()
	return err
}

// checkMap makes sure that the plugin which was to write the id map has.
func (r *run) checkMap() error {
	m := r.plan.IDMap
	if m == nil || m.Direct {
		return nil
	}
	written, err := r.child.WrittenMap()
	if err != nil {
		return err
	}
	return errors.Join(problems(r.plan.Owner(ns.User), ns.CheckWritten(m, written))...)
}

func (r *run) preExecOne(ctx context.Context, name string) error {
	defer r.Timings.Begin("pre-exec " + name)()
	req, err := r.hookRequest(name)
	if err != nil {
		return err
	}
	if r.owesPostExec(name) {
		if err := r.journal.Intent(writable(req, r.members[name].Descriptor)); err != nil {
			return err
		}
	}
	reply, err := r.Host.Hook(ctx, r.members[name].Plugin, req)
	if err != nil {
		return err
	}
	if err := errors.Join(r.tell(name, reply.Diagnostics)...); err != nil {
		return err
	}
	r.watch(name, reply.Helpers)
	r.Log.Debug("pre-exec", "plugin", name, "results", reply.Results)
	return errors.Join(r.journal.Done(name, reply), plan.Extend(r.plan, name, reply))
}

// writable returns what may be written down of a request: all but the values of
// sensitive options, which PostExec therefore doesn't get.
func writable(req *ns.HookRequest, d *ns.Descriptor) *ns.HookRequest {
	kept := *req
	kept.Request.Settings = ns.WithoutSensitive(d, req.Request.Settings)
	return &kept
}

func (r *run) owesPostExec(name string) bool {
	for _, n := range r.plan.Calls(ns.PostExec) {
		if n == name {
			return true
		}
	}
	return false
}

// tell shows notices and warnings, and returns the errors.
func (s *Session) tell(plugin string, diagnostics []ns.Diagnostic) []error {
	for _, d := range diagnostics {
		if d.Severity != ns.Error {
			d.Plugin = plugin
			s.Notice(&d)
		}
	}
	return problems(plugin, diagnostics)
}

func (r *run) hookRequest(name string) (*ns.HookRequest, error) {
	state, err := r.journal.Sub("state")
	if err != nil {
		return nil, err
	}
	m, header := r.members[name], r.journal.Header()
	runName := header.Name
	if runName == "" {
		runName = header.ID
	}
	return &ns.HookRequest{
		Point: ns.PreExec, Plugin: name, Plan: r.planFor(m), RunID: header.ID, RunName: runName, PID: r.child.PID(), Paths: r.namespacePaths(),
		StateDir: state, Lifeline: r.lifeline, Request: *r.request(m, r.plan.KindList()), IDMap: r.plan.IDMap,
	}, nil
}

// keepMerged keeps the plan as it was merged, if a member requires it. Late steps
// of hooks aren't in it, so that it is the same for each run of a command line.
func (r *run) keepMerged() (err error) {
	for _, m := range r.inv.Members {
		if requiresPlan(m) && r.merged == nil {
			r.merged, err = r.plan.JSON()
		}
	}
	return err
}

func requiresPlan(m *Member) bool { return slices.Contains(m.Descriptor.Requires, ns.FeaturePlan) }

// planFor returns the merged plan in JSON if the member requires it.
func (r *run) planFor(m *Member) []byte {
	if !requiresPlan(m) {
		return nil
	}
	return r.merged
}

// namespacePaths returns the child's namespaces as files, pinned ones by the
// path that outlives the child.
func (r *run) namespacePaths() map[ns.Kind]string {
	paths := map[ns.Kind]string{}
	for _, k := range r.plan.KindList() {
		paths[k] = procNS(r.child.PID(), k.File())
		if pinned, ok := r.paths[k]; ok {
			paths[k] = pinned
		}
	}
	return paths
}

// release has the child carry out its steps, if it hasn't yet, and returns when
// it has executed the command.
func (r *run) release() error {
	if r.program == nil {
		if err := r.compile(); err != nil {
			return err
		}
		r.child.Load(r.program)
	}
	defer r.Timings.Begin("steps and exec")()
	child := r.child
	err := child.Release()
	if err != nil {
		r.child = nil // gone
	}
	if r.debugs() {
		r.logSteps(child.Outcomes())
	}
	return err
}

// debugs reports whether anybody reads what is logged for debugging.
func (s *Session) debugs() bool { return s.Log.Enabled(context.Background(), slog.LevelDebug) }

// logSteps logs what became of each step.
func (r *run) logSteps(outcomes []stage.Outcome) {
	steps := r.steps()
	for i, o := range outcomes {
		s := steps[i]
		attrs := []any{"plugin", s.Plugin, "op", s.Op, "source", s.Source, "target", s.Target, "result", o.Result}
		if o.Took > 0 {
			attrs = append(attrs, "took", o.Took)
		}
		r.Log.Debug("step", attrs...)
	}
}

// supervise waits for the command, with what dead runs left undone meanwhile.
func (r *run) supervise(ctx context.Context) (int, error) {
	r.status.started(r.child.PID())
	if err := r.journal.Started(r.joining()); err != nil {
		r.warn(err) // nobody can join, and all else is as it should be
	}
	if len(r.plan.Hooks) == 0 {
		r.collect(ctx)
	}
	child := r.child
	r.child = nil // Wait gives back what it took
	status, err := child.Wait(r.rest)
	if err != nil {
		return ExitFailed, err
	}
	r.status.exited(status)
	return status, nil
}

// rest gives back what a run at rest doesn't need. A sandbox at rest has no plugin
// process: a PostExec hook starts its plugin again, which for a run shorter than
// this would be a waste.
func (r *run) rest() {
	if err := r.Host.Close(); err != nil {
		r.Log.Debug("stop plugins", "error", err)
	}
}

// finish undoes the run: the child first, since its processes could still use
// what the hooks made, then the hooks in reverse, then the run directory.
func (r *run) finish(ctx context.Context) {
	defer r.Timings.Begin("undo")()
	if r.child != nil {
		r.child.Abandon()
	}
	if err := r.settle(context.WithoutCancel(ctx), r.journal); err != nil {
		r.warn(err)
	}
	r.dismissReaper()
}
