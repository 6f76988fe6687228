// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"

	"github.com/nsrun/nsrun/ns"
	"github.com/nsrun/nsrun/nsplugin"
	"github.com/nsrun/nsrun/nsplugin/nsnet"
)

// Check says whether nsrun's own bridge can work on this host.
func (n *network) Check(_ context.Context, facts ns.Facts) ([]ns.Diagnostic, error) {
	if err := nsnet.CheckPrivileged(facts, purpose); err != nil {
		return nil, err
	}
	w, err := n.resolve(&ns.Request{Facts: facts})
	if err == nil {
		err = w.free()
	}
	if err != nil {
		return nil, err
	}
	return w.forwardWarning(), nil
}

// forwardWarning warns of a firewall that keeps the sandboxes on nsrun's own
// bridge from everything but the host and each other.
func (w *wish) forwardWarning() []ns.Diagnostic {
	if w.own == nil {
		return nil
	}
	table := dropsForwarded(w.own.device)
	if table == "" {
		return nil
	}
	const fix = "iptables -I FORWARD -i %[1]s -j ACCEPT; iptables -I FORWARD -o %[1]s -j ACCEPT"
	return []ns.Diagnostic{*nsplugin.Warnf("a firewall of this host drops what sandboxes send to other networks").
		WithDetail("the policy of forward in " + table + " is drop, and no rule names " + w.own.device).
		WithHint(fmt.Sprintf(fix, w.own.device))}
}
