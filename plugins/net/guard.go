// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"

	"github.com/nsrun/nsrun/nsplugin/nsnet/bridge"
)

// guardLoopback keeps the sandboxes on nsrun's own bridge from the host's loopback, before
// portmap sets the bridge's route_localnet for a port on 127.0.0.1: that lets the packets
// of all of them pass, CVE-2020-8558, and portmap leaves it so. Networks of others are
// theirs to guard, and without nf_tables there is no guard.
func (w *wish) guardLoopback(runID string) error {
	if w.own == nil || len(w.ports) == 0 || bridge.CheckTables() != nil {
		return nil
	}
	g := &bridge.Guest{RunID: runID, Device: w.own.device, Own: true}
	if err := g.Admit(); err != nil {
		return fmt.Errorf("guard the host's loopback: %w", err)
	}
	return nil
}
