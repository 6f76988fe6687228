// SPDX-License-Identifier: Apache-2.0

package bridge

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"slices"

	nft "github.com/google/nftables"

	"github.com/nsrun/nsrun/nsplugin/nsnet"
)

// Republish changes the published ports of a run's sandbox, and its [nsnet.HostPorts]: all
// that the change says, or nothing. The state is what [Box.State] or Republish returned;
// without it, what the run has published is found by its id. It returns the state from
// now on.
//
// The caller can be killed, and [Wish.Detach] begin, while this goes on. So all is done
// with the lock, and only while the run has its addresses, which Detach gives free last.
func (w *Wish) Republish(k *Kernel, who Run, state []byte, c *nsnet.PortChange) ([]byte, error) {
	unlock, err := lock()
	if err != nil {
		return nil, err
	}
	defer unlock()
	r, err := w.recall(who.ID, state)
	if err != nil {
		return nil, err
	}
	if err := k.canPublish(r); err != nil {
		return nil, err
	}
	if err := nsnet.HostPorts.Take(who.ID, who.Name, slices.Concat(c.Before, c.Added)); err != nil {
		return nil, err
	}
	if err := k.changePorts(r, c); err != nil {
		return nil, errors.Join(err, nsnet.HostPorts.Take(who.ID, who.Name, c.Before))
	}
	// If this fails, the run keeps ports from others that it doesn't need; all else is done.
	_ = nsnet.HostPorts.Take(who.ID, who.Name, c.After)
	return json.Marshal(r)
}

// canPublish returns an error if the run has lost what its ports need.
func (k *Kernel) canPublish(r *record) error {
	there, err := k.hasTable()
	switch {
	case err != nil:
		return err
	case len(r.all()) == 0:
		return errors.New("the sandbox has lost its addresses")
	case !there:
		return fmt.Errorf("nftables table inet %s is gone", table.Name)
	}
	return nil
}

// changePorts makes the change in the table. If it isn't known what is there, or if that
// isn't what should be, all that is found goes first.
func (k *Kernel) changePorts(r *record, c *nsnet.PortChange) error {
	if r.Complete && k.swapPorts(r, c.Removed, c.Added) == nil {
		return nil
	}
	if err := k.searchElements(r.runID, portSets()); err != nil {
		return err
	}
	return k.swapPorts(r, nil, c.After)
}

// swapPorts takes elements from the table and adds others in one transaction.
func (k *Kernel) swapPorts(r *record, gone, come []nsnet.Mapping) error {
	err := each(portElements(r.all(), gone), k.rules.SetDeleteElements)
	if err == nil {
		err = each(marked(r.runID, portElements(r.all(), come)), k.rules.SetAddElements)
	}
	if err != nil {
		return fmt.Errorf("make nftables elements: %w", err)
	}
	if err := k.flush(); err != nil {
		return fmt.Errorf("change ports in nftables sets: %w", err)
	}
	return nil
}

// ForgetChanged makes the kernel forget what it knows of packets to UDP ports that are
// published from now on, or until now.
func (k *Kernel) ForgetChanged(c *nsnet.PortChange) error {
	return k.forgetOld(slices.Concat(c.Added, c.Removed))
}

// portSets are the sets whose elements are published ports.
func portSets() []*nft.Set { return []*nft.Set{ipv4.any, ipv4.one, ipv6.any, ipv6.one} }

// portElements returns the elements of published ports, by set.
func portElements(addresses []netip.Addr, ports []nsnet.Mapping) map[*nft.Set][]nft.SetElement {
	all := map[*nft.Set][]nft.SetElement{}
	for _, a := range addresses {
		for _, m := range ports {
			if set, e, ok := familyOf(a).element(m, a); ok {
				all[set] = append(all[set], e)
			}
		}
	}
	return all
}
