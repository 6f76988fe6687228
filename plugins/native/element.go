// SPDX-License-Identifier: Apache-2.0

package main

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
func (k *kernel) addBridgeElements(device string) error {
	if err := k.bridgeElements(device, k.rules.SetAddElements); err != nil {
		return fmt.Errorf("add bridge %s to nftables sets: %w", device, err)
	}
	return nil
}

// removeBridgeElements makes the table forget the bridge. It need not know it.
func (k *kernel) removeBridgeElements(device string) error {
	err := k.bridgeElements(device, k.rules.SetDeleteElements)
	if err != nil && !errors.Is(err, unix.ENOENT) {
		return fmt.Errorf("delete bridge %s from nftables sets: %w", device, err)
	}
	return nil
}

func (k *kernel) bridgeElements(device string, do func(*nft.Set, []nft.SetElement) error) error {
	once := name(device)
	err := errors.Join(
		do(bridges, []nft.SetElement{{Key: once}}),
		do(within, []nft.SetElement{{Key: append(name(device), once...)}}))
	if err != nil {
		return err
	}
	return k.rules.Flush()
}

// addElements makes the table know a sandbox: its addresses, and its ports. The
// caller holds the lock.
func (k *kernel) addElements(runID string, addresses []netip.Prefix, ports []nsnet.Mapping, isolate bool) error {
	for _, p := range addresses {
		f, a := familyOf(p.Addr()), p.Addr()
		member := []nft.SetElement{{Key: a.AsSlice(), Comment: runID}}
		err := k.rules.SetAddElements(f.sandboxes, member)
		if isolate {
			err = errors.Join(err, k.rules.SetAddElements(f.isolated, member))
		}
		for _, m := range ports {
			if set, e, ok := f.element(m, a); ok {
				e.Comment = runID
				err = errors.Join(err, k.rules.SetAddElements(set, []nft.SetElement{e}))
			}
		}
		if err != nil {
			return fmt.Errorf("make nftables elements: %w", err)
		}
	}
	if err := k.rules.Flush(); err != nil {
		return fmt.Errorf("add addresses and ports to nftables sets: %w", err)
	}
	return nil
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

// removed is what was found of a run in the table.
type removed struct {
	addresses []netip.Addr
	udp       bool // the run had published UDP ports
}

// removeElements makes the table forget all of a run. The caller holds the lock: the
// kernel lists a set in parts, and leaves elements out if it changes meanwhile. So it
// looks again after each round.
func (k *kernel) removeElements(runID string) (removed, error) {
	var gone removed
	for {
		found, err := k.findElements(runID)
		if len(found) == 0 || err != nil {
			return gone, err
		}
		gone.note(found)
		for set, elements := range found {
			if err := k.rules.SetDeleteElements(set, elements); err != nil {
				return gone, fmt.Errorf("make nftables elements: %w", err)
			}
		}
		if err := k.rules.Flush(); err != nil {
			return gone, fmt.Errorf("delete elements from nftables sets: %w", err)
		}
	}
}

// findElements returns the elements that belong to the run; none if there is no table.
func (k *kernel) findElements(runID string) (map[*nft.Set][]nft.SetElement, error) {
	there, err := k.hasTable()
	if !there || err != nil {
		return nil, err
	}
	found := map[*nft.Set][]nft.SetElement{}
	for _, set := range runSets() {
		elements, err := k.elementsOf(set, runID)
		if err != nil {
			return nil, err
		}
		if len(elements) > 0 {
			found[set] = elements
		}
	}
	return found, nil
}

// elementsOf returns the elements of the set that belong to the run.
func (k *kernel) elementsOf(set *nft.Set, runID string) ([]nft.SetElement, error) {
	elements, err := k.rules.GetSetElements(set)
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

// note takes from the elements what else has to be undone with them.
func (r *removed) note(found map[*nft.Set][]nft.SetElement) {
	for _, f := range []*family{ipv4, ipv6} {
		for _, e := range found[f.sandboxes] {
			if a, ok := netip.AddrFromSlice(e.Key); ok {
				r.addresses = append(r.addresses, a)
			}
		}
		for _, e := range found[f.any] {
			r.udp = r.udp || e.Key[0] == unix.IPPROTO_UDP
		}
		for _, e := range found[f.one] { // the address comes first
			r.udp = r.udp || e.Key[f.length] == unix.IPPROTO_UDP
		}
	}
}
