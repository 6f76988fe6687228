// SPDX-License-Identifier: Apache-2.0

package nsnet

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/nsrun/nsrun/ns"
)

// Exhausted says that all addresses of a network are leased, and how many of the runs
// that have them are alive, as living says. Those that aren't wait for nsctl gc. A holder
// is a run's id, once for each lease.
func Exhausted(pool string, holders []string, living func(runID string) bool) string {
	dead := slices.DeleteFunc(slices.Clone(holders), living)
	return fmt.Sprintf("no address left in %s: all %d are leased, %d of them to runs that are alive",
		pool, len(holders), len(holders)-len(dead))
}

// Living returns whether a run of the user lives whose run req is about. An id of another
// program, which shares a network, counts as dead.
func Living(req *ns.HookRequest) func(runID string) bool {
	runs := runsDir(req)
	return func(runID string) bool { return alive(runs, runID) }
}

// runsDir is where the directories of all runs of this user are, or "".
func runsDir(req *ns.HookRequest) string {
	base, _, found := strings.Cut(req.StateDir, "/runs/"+req.RunID)
	if !found {
		return ""
	}
	return filepath.Join(base, "runs")
}

// alive reports whether a run's nsrun lives, which then has its journal locked; flock(2).
func alive(runs, id string) bool {
	if id == "" || id != filepath.Base(id) {
		return false
	}
	f, err := os.Open(filepath.Join(runs, id, "journal"))
	if err != nil {
		return false
	}
	defer f.Close()
	return errors.Is(unix.Flock(int(f.Fd()), unix.LOCK_SH|unix.LOCK_NB), unix.EWOULDBLOCK)
}
