// SPDX-License-Identifier: Apache-2.0

package bridge

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/nsrun/nsrun/nsplugin/nsnet"
)

// leases is a directory with a file for each address of one network that a sandbox
// has, named by the address. All methods want the lock.
type leases string

// Run is a run that has a place on a bridge, as a lease's file has it.
type Run struct {
	// ID is the run's id, by which all of it is found again. Required.
	ID string `json:"runId"`
	// Name is what messages call it.
	Name string `json:"runName"`
}

// exhaustedError says that all addresses of a subnet are leased.
type exhaustedError struct {
	subnet  netip.Prefix
	holders []string // ids of the runs, one for each address
}

func (e *exhaustedError) Error() string {
	return fmt.Sprintf("no address left in %s: all %d are leased", e.subnet, len(e.holders))
}

// takenError says that a run has the address.
type takenError struct {
	addr netip.Addr
	by   string
}

func (e *takenError) Error() string {
	return fmt.Sprintf("address %s is in use by run %s", e.addr, e.by)
}

// allot leases an address of each subnet, those of wanted where they are given.
func (dir leases) allot(subnets nsnet.Subnets, wanted []nsnet.Address, who Run) ([]netip.Prefix, error) {
	if err := os.MkdirAll(string(dir), 0o700); err != nil {
		return nil, err
	}
	var all []netip.Prefix
	for _, subnet := range subnets {
		addr, err := dir.choose(subnets, subnet, wanted)
		if err == nil {
			err = dir.write(addr, who)
		}
		if err != nil {
			return nil, err
		}
		all = append(all, netip.PrefixFrom(addr, subnet.Bits()))
	}
	return all, nil
}

// choose returns the address of subnet that was wanted, or else the first free one
// after that which was leased last: one that was just given up may still be in the
// neighbour tables and open connections of others.
func (dir leases) choose(subnets nsnet.Subnets, subnet netip.Prefix, wanted []nsnet.Address) (netip.Addr, error) {
	for _, w := range wanted {
		if subnet.Contains(w.Addr) {
			if by, leased := dir.holder(w.Addr); leased {
				return w.Addr, &takenError{w.Addr, by.Name}
			}
			return w.Addr, nil
		}
	}
	var holders []string
	for a := range candidates(subnets, subnet, dir.last(subnet)) {
		by, leased := dir.holder(a)
		if !leased {
			return a, nil
		}
		holders = append(holders, by.ID)
	}
	return netip.Addr{}, &exhaustedError{subnet, holders}
}

// candidates are the addresses of subnet that a sandbox can have, each once,
// beginning after last.
func candidates(subnets nsnet.Subnets, subnet netip.Prefix, last netip.Addr) iter.Seq[netip.Addr] {
	next := func(a netip.Addr) netip.Addr {
		if a = a.Next(); subnet.Contains(a) && subnets.Holds(a) {
			return a
		}
		return nsnet.Gateway(subnet).Next()
	}
	start := next(last)
	return func(yield func(netip.Addr) bool) {
		for a, again := start, false; !again && yield(a); again = a == start {
			a = next(a)
		}
	}
}

// holder returns the run that has the address. A file that can't be read is
// nobody's: it is written whole or not at all.
func (dir leases) holder(a netip.Addr) (Run, bool) {
	var h Run
	data, err := os.ReadFile(filepath.Join(string(dir), a.String()))
	return h, err == nil && json.Unmarshal(data, &h) == nil
}

// last returns the address of subnet's family that was leased last.
func (dir leases) last(subnet netip.Prefix) netip.Addr {
	text, _ := os.ReadFile(dir.lastFile(subnet.Addr()))
	a, _ := netip.ParseAddr(string(text))
	return a
}

func (dir leases) lastFile(a netip.Addr) string {
	if a.Is4() {
		return filepath.Join(string(dir), "last4")
	}
	return filepath.Join(string(dir), "last6")
}

// write leases the address.
func (dir leases) write(a netip.Addr, who Run) error {
	data, err := json.Marshal(who)
	if err != nil {
		return fmt.Errorf("encode lease: %w", err)
	}
	if err := replaceFile(filepath.Join(string(dir), a.String()), data); err != nil {
		return err
	}
	return replaceFile(dir.lastFile(a), []byte(a.String()))
}

// replaceFile writes a file whole or not at all.
func replaceFile(path string, data []byte) error {
	part := partOf(path)
	err := os.WriteFile(part, data, 0o600)
	if err == nil {
		err = os.Rename(part, path)
	}
	if err != nil {
		os.Remove(part)
	}
	return err
}

// partOf is what a file is called while it is written.
func partOf(path string) string { return path + ".part" }

// addresses returns those that are leased, without a look at whose they are.
func (dir leases) addresses() ([]netip.Addr, error) {
	entries, err := os.ReadDir(string(dir))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var all []netip.Addr
	for _, e := range entries {
		if a, err := netip.ParseAddr(e.Name()); err == nil {
			all = append(all, a)
		}
	}
	return all, nil
}

// of returns the addresses that the run has leased.
func (dir leases) of(runID string) ([]netip.Addr, error) {
	all, err := dir.addresses()
	return slices.DeleteFunc(all, func(a netip.Addr) bool {
		h, leased := dir.holder(a)
		return !leased || h.ID != runID
	}), err
}

// release gives up those of addresses that the run has leased. It returns how many
// leases are left.
func (dir leases) release(runID string, addresses []netip.Addr) (left int, err error) {
	for _, a := range addresses {
		if h, leased := dir.holder(a); !leased || h.ID != runID {
			continue
		}
		if err := os.Remove(filepath.Join(string(dir), a.String())); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return 0, err
		}
	}
	all, err := dir.addresses()
	return len(all), err
}

// networks returns the leases of all networks, by the names of their bridges.
func networks() map[string]leases {
	found := map[string]leases{}
	dirs, _ := filepath.Glob(filepath.Join(Dir, "networks", "*"))
	for _, dir := range dirs {
		if name := filepath.Base(dir); strings.HasPrefix(name, "nsrunn") {
			found[name] = leases(dir)
		}
	}
	return found
}
