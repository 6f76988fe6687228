// SPDX-License-Identifier: Apache-2.0

package bridge

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/netip"
	"slices"

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
	// Loopback are the wish's, which don't follow from the options alone.
	Loopback []nsnet.Mapping `json:"loopback,omitempty"`

	runID   string
	subnets nsnet.Subnets
	ports   []nsnet.Mapping
	isolate bool
}

// State returns what [Wish.Detach] wants to know of an attached sandbox, as a hook's
// state.
func (b *Box) State(w *Wish) ([]byte, error) {
	state, err := json.Marshal(record{Addresses: map[string][]netip.Addr{w.Device(): b.plain()}, Complete: true, Loopback: w.Loopback})
	if err != nil {
		return nil, fmt.Errorf("encode state: %w", err)
	}
	return state, nil
}

// recall returns the record of a run, from the state if there is one, and otherwise
// from the leases.
func (w *Wish) recall(runID string, state []byte) (*record, error) {
	r := &record{}
	var err error
	if len(state) == 0 || json.Unmarshal(state, r) != nil {
		r, err = searchLeases(runID)
	}
	if err != nil {
		return nil, err
	}
	r.runID, r.subnets, r.ports, r.isolate = runID, w.Subnets, w.Ports, w.Isolate
	r.forgetReleased()
	return r, nil
}

func searchLeases(runID string) (*record, error) {
	r := &record{Addresses: map[string][]netip.Addr{}}
	for device, dir := range networks() {
		own, err := dir.of(runID)
		if err != nil {
			return nil, err
		}
		if len(own) > 0 {
			r.Addresses[device] = own
		}
	}
	return r, nil
}

// forgetReleased takes out what isn't the run's any more: a run may be detached again
// after another one has got its addresses, and what has the same key in the table is
// then that one's.
func (r *record) forgetReleased() {
	for device, addresses := range r.Addresses {
		dir := network{device: device}.leases()
		own := slices.DeleteFunc(addresses, func(a netip.Addr) bool {
			h, leased := dir.holder(a)
			return !leased || h.ID != r.runID
		})
		r.Complete = r.Complete && len(own) == len(addresses)
		r.Addresses[device] = own
	}
}

// all are the run's addresses.
func (r *record) all() []netip.Addr {
	return slices.Concat(slices.Collect(maps.Values(r.Addresses))...)
}

// wish is what the run has in the table.
func (r *record) wish() *Wish {
	return &Wish{Subnets: r.subnets, Ports: r.ports, Isolate: r.isolate, Loopback: r.Loopback}
}

// udp reports whether the kernel translates UDP packets from or to the run.
func (r *record) udp() bool {
	return slices.ContainsFunc(slices.Concat(r.ports, r.Loopback), func(m nsnet.Mapping) bool { return m.Protocol == "udp" })
}

// others returns how many leases other runs have, and how many guests there are.
func (r *record) others() (count int, err error) {
	_, guests, err := readGuests("")
	if err != nil {
		return 0, err
	}
	count = len(guests)
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
