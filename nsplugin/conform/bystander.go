// SPDX-License-Identifier: Apache-2.0

package conform

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"github.com/nsrun/nsrun/ns"
)

// leavesOthers undoes another run while one is under way, of which all must
// still be there afterwards.
func (r *runner) leavesOthers(offer *ns.Offer) Verdict {
	return r.whole(offer, func(t *trial, _ *ns.HookReply) []string {
		before := t.traces()
		other := t.undoing(nil)
		other.RunID, other.RunName = neverRun, neverRun
		other.StateDir = filepath.Join(filepath.Dir(t.req.StateDir), "other")
		faults := t.r.fresh("debug", func(_ *process, plugin *Plugin) Verdict {
			return Verdict{Faults: undo(t.r.ctx, plugin, other)}
		})().Faults
		after := t.traces()
		for _, trace := range before {
			if !slices.Contains(after, trace) {
				faults = append(faults, "it took from another run: "+trace)
			}
		}
		return faults
	})
}

// traces lists what the run has on this host that others have not: its files and
// processes, and the interfaces and rules of all.
func (t *trial) traces() []string {
	all := traces()
	for _, dir := range []string{t.r.temp, t.req.StateDir} {
		_ = filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
			if err == nil {
				all = append(all, "file "+path)
			}
			return nil
		})
	}
	for _, pid := range servants(t.req.RunID) {
		all = append(all, "process "+strconv.Itoa(pid))
	}
	return all
}

// leavesChild looks whether the child is as it was: its state in proc_pid_stat(5)
// and its tracer in proc_pid_status(5).
func (r *runner) leavesChild(offer *ns.Offer) Verdict {
	return r.whole(offer, func(t *trial, _ *ns.HookReply) []string {
		status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", t.child.PID))
		if err != nil {
			return []string{"the child is gone"}
		}
		var faults []string
		for line := range strings.Lines(string(status)) {
			name, value, _ := strings.Cut(strings.TrimSpace(line), ":\t")
			switch {
			case name == "State" && strings.ContainsAny(value[:1], "TtZX"):
				faults = append(faults, "the child is in state "+value)
			case name == "TracerPid" && value != "0":
				faults = append(faults, "the child is traced by process "+value)
			}
		}
		return faults
	})
}

// endsHelpers looks for the programs that PreExec said serve the run. Whether
// they end, every trial looks.
func (r *runner) endsHelpers(offer *ns.Offer) Verdict {
	return r.whole(offer, func(t *trial, reply *ns.HookReply) []string {
		var faults []string
		for _, h := range reply.Helpers {
			if !slices.Contains(servants(t.req.RunID), h.PID) {
				faults = append(faults, fmt.Sprintf("helper %s: no process %d has the run's id in its arguments", h.Name, h.PID))
			}
		}
		return faults
	})
}

// leavesNoHelperAlone lets go of the lifeline, as when all of nsrun is killed at once, and
// looks for the programs that PreExec said serve the run. The child lives on.
func (r *runner) leavesNoHelperAlone(offer *ns.Offer) Verdict {
	return r.whole(offer, func(t *trial, reply *ns.HookReply) []string {
		t.lifeline.Close()
		left := outlasting(r.Limits.End, func() []int { return servants(t.req.RunID) })
		var faults []string
		for _, h := range reply.Helpers {
			if slices.Contains(left, h.PID) {
				faults = append(faults, fmt.Sprintf("helper %s: process %d goes on when the run's lifeline is at its end", h.Name, h.PID))
			}
		}
		return faults
	})
}

// dismiss waits for the end of the programs that serve a run whose PostExec has
// answered, ends those that go on, and names them.
func (r *runner) dismiss(id string) []string {
	var faults []string
	for _, pid := range outlasting(r.Limits.End, func() []int { return servants(id) }) {
		faults = append(faults, fmt.Sprintf("process %d is left, which carries the run's id", pid))
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
	return faults
}

// servants returns the pids of processes that have id in their arguments.
func servants(id string) []int { return processesWith("cmdline", id) }
