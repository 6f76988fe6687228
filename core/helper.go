// SPDX-License-Identifier: Apache-2.0

package core

import (
	"fmt"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/nsrun/nsrun/internal/procfs"
	"github.com/nsrun/nsrun/ns"
)

// watch has the user told when one of the plugin's helpers ends while the command
// runs: a command that waits for an answer from the network would never say.
func (r *run) watch(plugin string, helpers []ns.Helper) {
	for _, h := range helpers {
		lost := func() { r.Notice(lostHelper(plugin, h)) }
		fd, err := unix.PidfdOpen(h.PID, 0)
		if err != nil {
			lost()
			continue
		}
		// After the descriptor was opened, so that the number can't become another's in
		// between. A zombie has no arguments.
		if !strings.Contains(procfs.Read(h.PID, "cmdline"), r.journal.Header().ID) {
			_ = unix.Close(fd)
			lost()
			continue
		}
		r.child.Watch(fd, lost)
	}
}

func lostHelper(plugin string, h ns.Helper) *ns.Diagnostic {
	return &ns.Diagnostic{
		Severity: ns.Warning, Plugin: plugin,
		Summary: fmt.Sprintf("%s has ended, and the command goes on without it", h.Name),
		Detail:  fmt.Sprintf("it was process %d, which served this run", h.PID),
	}
}
