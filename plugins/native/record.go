// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/netip"
	"slices"

	"github.com/nsrun/nsrun/ns"
	"github.com/nsrun/nsrun/nsplugin/nsnet"
)

// record is what a run has on the host, as far as that doesn't follow from its id.
// PostExec gets it as PreExec's state, or finds it again.
type record struct {
	// Addresses are the run's leases, by bridge.
	Addresses map[string][]netip.Addr `json:"addresses"`
	// Complete says that attaching came to its end: the elements in the table are
	// those that the options ask for.
	Complete bool `json:"complete"`

	runID   string
	ports   []nsnet.Mapping
	isolate bool
}

// encode returns the record of an attached sandbox as a hook's state.
func (b *box) encode(n network) ([]byte, error) {
	var all []netip.Addr
	for _, p := range b.addresses {
		all = append(all, p.Addr())
	}
	state, err := json.Marshal(record{Addresses: map[string][]netip.Addr{n.device: all}, Complete: true})
	if err != nil {
		return nil, fmt.Errorf("encode state: %w", err)
	}
	return state, nil
}

// recall returns the record of a run, from the state if there is one, and otherwise
// from the leases.
func (n *native) recall(req *ns.HookRequest) (*record, error) {
	r := &record{}
	if len(req.State) == 0 || json.Unmarshal(req.State, r) != nil {
		r = &record{Addresses: map[string][]netip.Addr{}}
		for device, dir := range networks() {
			own, err := dir.of(req.RunID)
			if err != nil {
				return nil, err
			}
			if len(own) > 0 {
				r.Addresses[device] = own
			}
		}
	}
	r.runID, r.isolate = req.RunID, n.Isolate
	r.ports, _ = n.Ports() // which were read before, in PreExec
	return r, nil
}

// all are the run's addresses.
func (r *record) all() []netip.Addr {
	return slices.Concat(slices.Collect(maps.Values(r.Addresses))...)
}

// udp reports whether the run publishes UDP ports.
func (r *record) udp() bool {
	return slices.ContainsFunc(r.ports, func(m nsnet.Mapping) bool { return m.Protocol == "udp" })
}

// others returns how many leases other runs have.
func (r *record) others() (count int, err error) {
	for device, dir := range networks() {
		all, err := dir.addresses()
		if err != nil {
			return 0, err
		}
		for _, a := range all {
			if !slices.Contains(r.Addresses[device], a) {
				count++
			}
		}
	}
	return count, nil
}
