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
// that have them are alive. Those that aren't wait for nsctl gc. A holder is a run's id,
// once for each lease; one of another program, which shares the network, counts as dead.
func Exhausted(req *ns.HookRequest, pool string, holders []string) string {
	runs := runsDir(req)
	dead := slices.DeleteFunc(slices.Clone(holders), func(id string) bool { return alive(runs, id) })
	return fmt.Sprintf("no address left in %s: all %d are leased, %d of them to runs that are alive",
		pool, len(holders), len(holders)-len(dead))
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
