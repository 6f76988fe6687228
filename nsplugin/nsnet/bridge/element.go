// SPDX-License-Identifier: Apache-2.0

package bridge

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"strings"

	nft "github.com/google/nftables"
	"golang.org/x/sys/unix"

	"github.com/nsrun/nsrun/nsplugin/nsnet"
)

// protocols are the numbers of those that can be published; /etc/protocols.
var protocols = map[string]byte{"tcp": unix.IPPROTO_TCP, "udp": unix.IPPROTO_UDP, "sctp": unix.IPPROTO_SCTP}

// addBridgeElements makes the table know the bridge. The caller holds the lock.
func (k *Kernel) addBridgeElements(device string) error {
	if err := k.bridgeElements(device, k.rules.SetAddElements); err != nil {
		return fmt.Errorf("add bridge %s to nftables sets: %w", device, err)
	}
	return nil
}

// removeBridgeElements makes the table forget the bridge. It need not know it.
func (k *Kernel) removeBridgeElements(device string) error {
	err := k.bridgeElements(device, k.rules.SetDeleteElements)
	if err != nil && !errors.Is(err, unix.ENOENT) {
		return fmt.Errorf("delete bridge %s from nftables sets: %w", device, err)
	}
	return nil
}

func (k *Kernel) bridgeElements(device string, do func(*nft.Set, []nft.SetElement) error) error {
	once := name(device)
	err := errors.Join(
		do(bridges, []nft.SetElement{{Key: once}}),
		do(localnets, []nft.SetElement{{Key: once}}),
		do(within, []nft.SetElement{{Key: append(name(device), once...)}}))
	if err != nil {
		return err
	}
	return k.flush()
}

// addElements makes the table know a sandbox: its addresses, and its ports.
func (k *Kernel) addElements(runID string, addresses []netip.Addr, w *Wish) error {
	if err := each(marked(runID, w.elementsFor(addresses)), k.rules.SetAddElements); err != nil {
		return fmt.Errorf("make nftables elements: %w", err)
	}
	if err := k.flush(); err != nil {
		return fmt.Errorf("add addresses and ports to nftables sets: %w", err)
	}
	return nil
}

// marked returns the elements with the run's id as their comment.
func marked(runID string, all map[*nft.Set][]nft.SetElement) map[*nft.Set][]nft.SetElement {
	for _, elements := range all {
		for i := range elements {
			elements[i].Comment = runID
		}
	}
	return all
}

// each calls do, which adds to a batch, with each set and its elements.
func each(all map[*nft.Set][]nft.SetElement, do func(*nft.Set, []nft.SetElement) error) error {
	for set, elements := range all {
		if err := do(set, elements); err != nil {
			return err
		}
	}
	return nil
}

// elementsFor returns the elements of a sandbox that the wish asks for, by set.
func (w *Wish) elementsFor(addresses []netip.Addr) map[*nft.Set][]nft.SetElement {
	all := portElements(addresses, w.Ports)
	for _, a := range addresses {
		f := familyOf(a)
		all[f.sandboxes] = append(all[f.sandboxes], nft.SetElement{Key: a.AsSlice()})
		if w.Isolate {
			all[f.isolated] = append(all[f.isolated], nft.SetElement{Key: a.AsSlice()})
		}
		if a.Is4() {
			all[loopback] = append(all[loopback], Way{a, nsnet.Gateway(w.subnetOf(a))}.elements(w.Loopback)...)
		}
	}
	return all
}

func familyOf(a netip.Addr) *family {
	if a.Is4() {
		return ipv4
	}
	return ipv6
}

// element returns the element that publishes m on the sandbox's address a, and the
// set for it; false if m is of the other family.
func (f *family) element(m nsnet.Mapping, a netip.Addr) (*nft.Set, nft.SetElement, bool) {
	if m.HostIP.IsValid() && m.HostIP.Is4() != a.Is4() {
		return nil, nft.SetElement{}, false
	}
	e := nft.SetElement{
		Key: append([]byte{protocols[m.Protocol], 0, 0, 0}, port(m.HostPort)...),
		Val: append(a.AsSlice(), port(m.Port)...),
	}
	if m.Everywhere() {
		return f.any, e, true
	}
	e.Key = append(m.HostIP.AsSlice(), e.Key...)
	return f.one, e, true
}

// port is a port as concatenated keys have it, padded to 32 bits.
func port(n int) []byte {
	return append(binary.BigEndian.AppendUint16(nil, uint16(n)), 0, 0)
}

// removeElements makes the table forget a run whose elements are all there.
func (k *Kernel) removeElements(r *record) error {
	if err := each(r.wish().elementsFor(r.all()), k.rules.SetDeleteElements); err != nil {
		return fmt.Errorf("make nftables elements: %w", err)
	}
	if err := k.flush(); err != nil {
		return fmt.Errorf("delete elements from nftables sets: %w", err)
	}
	return nil
}

// searchElements makes the table forget all of a run that it finds in the sets. The kernel
// lists a set in parts, and leaves elements out if the set changes meanwhile; so it
// looks until it has found nothing twice.
func (k *Kernel) searchElements(runID string, sets []*nft.Set) error {
	for empty := 0; empty < 2; {
		count, err := k.removeFound(runID, sets)
		if err != nil {
			return err
		}
		if empty++; count > 0 {
			empty = 0
		}
	}
	return nil
}

// removeFound removes the elements of the run that it finds, and returns how many.
func (k *Kernel) removeFound(runID string, sets []*nft.Set) (count int, err error) {
	there, err := k.hasTable()
	if !there || err != nil {
		return 0, err
	}
	for _, set := range sets {
		elements, err := k.elementsOf(set, runID)
		if err == nil && len(elements) > 0 {
			count += len(elements)
			err = k.rules.SetDeleteElements(set, elements)
		}
		if err != nil {
			return 0, err
		}
	}
	if err := k.flush(); err != nil {
		return 0, fmt.Errorf("delete %d elements from nftables sets: %w", count, err)
	}
	return count, nil
}

// elementsOf returns the elements of the set that belong to the run.
func (k *Kernel) elementsOf(set *nft.Set, runID string) ([]nft.SetElement, error) {
	elements, err := k.rules.GetSetElements(set)
	if errors.Is(err, unix.ENOENT) {
		return nil, nil // a table that an earlier version made lacks it
	}
	if err != nil {
		return nil, fmt.Errorf("list nftables set %s: %w", set.Name, err)
	}
	var own []nft.SetElement
	for _, e := range elements {
		if strings.TrimRight(e.Comment, "\x00") == runID {
			own = append(own, nft.SetElement{Key: e.Key, Val: e.Val})
		}
	}
	return own, nil
}
