// SPDX-License-Identifier: Apache-2.0

package core

import (
	"errors"
	"fmt"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/nsrun/nsrun/core/journal"
	"github.com/nsrun/nsrun/core/stage"
	"github.com/nsrun/nsrun/ns"
)

// Guest is a command that is to be executed in a run that is alive.
type Guest struct {
	// Run is the run. Required.
	Run journal.Entry
	// Target is a descriptor of the run's first process, which the caller has made
	// sure of; pidfd_open(2). Required.
	Target int
	// Argv is the command and its arguments. Required.
	Argv []string
	// Env is as -e has it; Dir and User are as --chdir and --user have them, empty
	// for the directory where it exists and the ids of the run's own command.
	Env       []string
	Dir, User string
	// TTY gives the command a terminal of its own, also where the run's own command
	// has none.
	TTY bool
}

// Join executes a command in a run: in all its namespaces, under the limits,
// capabilities and filters of the run's own command, and with the environment of
// the caller. It returns the command's exit status, or one of nsrun's own with an
// error. It must be called on the main thread; see package stage.
func (s *Session) Join(g *Guest) (int, error) {
	r, err := s.guest(g)
	if err != nil {
		return ExitFailed, err
	}
	config := r.config()
	config.Join = g.Target
	program, err := stage.Compile(config)
	if err != nil {
		return ExitFailed, err
	}
	if err := r.openConsole(); err != nil {
		return ExitFailed, err
	}
	err = r.console.Lend(func() (err error) {
		r.child, err = stage.StartJoining(g.Target)
		return err
	})
	if err != nil {
		return ExitFailed, err
	}
	child := r.child
	child.Attach(r.console)
	if err := enterGroups(g.Run, child.PID()); err != nil {
		child.Abandon()
		return ExitFailed, err
	}
	child.Load(program)
	if err := child.Release(); err != nil {
		return statusOf(err), r.explain(err)
	}
	return child.Wait(func() {})
}

// enterGroups moves the process pid into the control groups that the run's plugins
// put its command into; cgroups(7).
func enterGroups(run journal.Entry, pid int) error {
	var errs []error
	for plugin, results := range run.Results {
		for name, dir := range results {
			if name != "cgroup" && !strings.HasPrefix(name, "cgroup ") {
				continue
			}
			if err := enterGroup(dir, pid); err != nil {
				errs = append(errs, &ns.Diagnostic{Plugin: plugin, Summary: fmt.Sprintf("join run %s: %v", run.Header.ID, err), Hint: "run nsctl where the run was started, in a group with the same one above"})
			}
		}
	}
	return errors.Join(errs...)
}

func enterGroup(dir string, pid int) error {
	f, err := os.OpenFile(path.Join(dir, "cgroup.procs"), os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = fmt.Fprint(f, pid)
	return errors.Join(err, f.Close())
}

// guest returns what is to be done, in the form of a run of its own.
func (s *Session) guest(g *Guest) (*run, error) {
	how := g.Run.Joining
	if how == nil {
		return nil, &ns.Diagnostic{Summary: fmt.Sprintf("run %s has not started its command yet", g.Run.Header.ID), Hint: "try again when it has"}
	}
	if i := slices.IndexFunc(how.Steps, func(s ns.PlannedStep) bool { return s.Op == ns.OpTimeOffset }); i >= 0 {
		return nil, &ns.Diagnostic{Plugin: how.Steps[i].Plugin, Summary: fmt.Sprintf("join run %s: its clocks can't be joined", g.Run.Header.ID),
			Detail: "clocks that are set off belong to the process that the run's command was executed in", Hint: "a run without --monotonic and --boottime"}
	}
	inv := &Invocation{Command: g.Argv, Dir: g.Dir, NoNewPrivs: how.NoNewPrivs, UID: how.UID, GID: how.GID, TTY: how.TTY}
	if g.TTY {
		inv.TTY = ttyAlways
	}
	if g.User != "" {
		if err := inv.setUser(g.User); err != nil {
			return nil, err
		}
	}
	for _, e := range g.Env {
		if err := inv.addEnv(e); err != nil {
			return nil, err
		}
	}
	p := &ns.Plan{Version: ns.PlanVersion, IDMap: how.IDMap, Steps: how.Steps, Env: how.Env}
	for _, k := range g.Run.Header.Kinds {
		p.Kinds = append(p.Kinds, ns.Ownership{Kind: k})
	}
	return newRun(s, inv, p), nil
}

// joining returns how others can join r.
func (r *run) joining() *journal.Joining {
	j := &journal.Joining{IDMap: r.plan.IDMap, Env: r.plan.Env, UID: r.inv.UID, GID: r.inv.GID, NoNewPrivs: r.inv.NoNewPrivs, TTY: r.inv.TTY}
	if j.TTY == ttyAlways {
		j.TTY = ttyAuto // who joins may have none
	}
	for _, s := range r.plan.Steps {
		if s.Op.Confines() || s.Op == ns.OpTimeOffset {
			j.Steps = append(j.Steps, s)
			continue
		}
		s.Data = ""
		j.Others = append(j.Others, s)
	}
	return j
}
