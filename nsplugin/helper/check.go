// SPDX-License-Identifier: Apache-2.0

package helper

import (
	"github.com/nsrun/nsrun/ns"
	"github.com/nsrun/nsrun/nsplugin"
)

// Check says, for CheckRun, whether the helper that is called name still serves the
// run of req, whose state is that of [Start].
func Check(req *ns.HookRequest, name string) *ns.Diagnostic {
	pid := readState(req.State).PID
	if pid > 0 && titleOf(pid) == title(req, name) {
		return nsplugin.Noticef("helper %s: process %d", name, pid)
	}
	return nsplugin.Errorf("helper %s: process %d has ended", name, pid).WithDetail(LastWords(req, name)).
		WithHint("end the run and start it again: nothing is repaired while it runs")
}
