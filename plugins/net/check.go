// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"

	"github.com/nsrun/nsrun/ns"
	"github.com/nsrun/nsrun/nsplugin/nsnet"
	"github.com/nsrun/nsrun/nsplugin/nsnet/firewall"
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

// forwardWarning warns of a firewall that drops what sandboxes on nsrun's own bridge
// send; others' networks are theirs to judge.
func (w *wish) forwardWarning() []ns.Diagnostic {
	if w.own == nil {
		return nil
	}
	return firewall.ForwardWarning(w.own.device)
}
