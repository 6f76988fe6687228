// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"net/netip"

	"github.com/nsrun/nsrun/ns"
	"github.com/nsrun/nsrun/nsplugin/helper"
	"github.com/nsrun/nsrun/nsplugin/nsnet"
	"github.com/nsrun/nsrun/nsplugin/nsnet/bridge"
)

// CheckRun says whether the network still runs, and the sandbox's place in it is as
// PreExec made it.
func (n *nested) CheckRun(ctx context.Context, req *ns.HookRequest) ([]ns.Diagnostic, error) {
	h := homeOf(req)
	var found nsnet.Findings
	a, err := h.askCheck(ctx, req)
	found.Add("network of the user", err)
	if err != nil {
		last := &found[len(found)-1]
		last.Detail = helper.LastWords(h.shared(), keeperRole)
		return found, nil
	}
	found = append(found, a.Found...)
	found.CheckInterface(req.PID)
	var addresses []netip.Addr
	for _, p := range a.Addresses {
		addresses = append(addresses, p.Addr())
	}
	found.CheckAddresses(req.PID, addresses)
	return found, nil
}

// askCheck asks the network to check the run's place.
func (h home) askCheck(ctx context.Context, req *ns.HookRequest) (*answer, error) {
	ended := errors.New("its process has ended")
	conn, err := h.connect()
	if err != nil {
		return nil, ended
	}
	defer conn.Close()
	a, err := converse(ctx, conn, call{Call: checkCall, Run: bridge.Run{ID: req.RunID}})
	switch {
	case isLost(err): // it is dying: its socket could still be connected to
		err = ended
	case err == nil && a.Network != string(req.State):
		err = errors.New("it has ended, and this is a later one")
	}
	return a, err
}
