// SPDX-License-Identifier: Apache-2.0

// Package explain says what the command of a live run may do with a path or a system
// call, and which rule of which plugin is the reason.
//
// Mounts, owners, permissions and capabilities are read from the kernel, of the
// command's own process. Landlock rules and the filter of system calls can't be read
// back: those are taken from the run's journal. Nothing is tried and nothing is
// changed.
package explain

import (
	"fmt"
	"os"
	"slices"

	"github.com/nsrun/nsrun/core/journal"
	"github.com/nsrun/nsrun/internal/procfs"
	"github.com/nsrun/nsrun/ns"
	"golang.org/x/sys/unix"
)

// Run is a live run as its command sees it.
type Run struct {
	subject subject
	root    *os.File // the command's root directory
	mounts  map[int]procfs.Mount
	ids     []string         // of the command, in its PID namespace and those above, innermost last
	made    []made           // what made its mounts
	steps   []ns.PlannedStep // what restricts it
	rules   []rule           // what Landlock allows it, nil without Landlock
}

// Open reads what there is to know of a run whose first process the caller holds, so
// that its id means no other. The run is to be closed.
func Open(e *journal.Entry) (*Run, error) {
	if e.Joining == nil {
		return nil, &ns.Diagnostic{Summary: fmt.Sprintf("run %s has not started its command yet", e.Header.ID), Hint: "try again when it has"}
	}
	r := &Run{steps: e.Joining.Steps, mounts: map[int]procfs.Mount{}}
	pid, err := commandOf(e)
	if err == nil {
		r.subject, err = readSubject(pid)
	}
	if err == nil {
		r.root, err = openRoot(pid)
	}
	if err != nil {
		return nil, &ns.Diagnostic{Summary: fmt.Sprintf("look into run %s: %v", e.Header.ID, err), Hint: "nsctl ps lists the runs that are alive"}
	}
	for _, m := range procfs.ParseMounts(procfs.Read(pid, "mountinfo")) {
		r.mounts[m.ID] = m
	}
	r.ids = procfs.Status(pid)["NSpid"]
	r.made = r.placeMade(e.Joining.Others)
	r.rules = r.placeRules()
	return r, nil
}

// Close gives back what Open took.
func (r *Run) Close() error { return r.root.Close() }

// openRoot opens the root directory of the process pid; proc_pid_root(5).
func openRoot(pid int) (*os.File, error) {
	return os.OpenFile(fmt.Sprintf("/proc/%d/root", pid), unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
}

// commandOf returns the process of the run's command: the run's first process, or where
// that is nsrun's init the one that it started first, which has the id 2 inside.
func commandOf(e *journal.Entry) (int, error) {
	if !slices.ContainsFunc(e.Joining.Others, func(s ns.PlannedStep) bool { return s.Op == ns.OpInit }) {
		return e.Child, nil
	}
	for _, pid := range procfs.Family(e.Child) {
		if procfs.Parent(pid) == e.Child && idInside(pid) == 2 {
			return pid, nil
		}
	}
	return 0, fmt.Errorf("its command isn't there any more")
}

// find returns the run's step of that op, nil if there is none.
func (r *Run) find(op ns.Op) *ns.PlannedStep {
	for i, s := range r.steps {
		if s.Op == op {
			return &r.steps[i]
		}
	}
	return nil
}

// selfIn returns the command's process id in a mount of proc: its innermost one where
// the run mounted that, and else the one that it has outside.
func (r *Run) selfIn(mount int) string {
	if len(r.ids) == 0 {
		return "self"
	}
	if m := r.origin(mount); m != nil && m.Op == ns.OpMount {
		return r.ids[len(r.ids)-1]
	}
	return r.ids[0]
}
