// SPDX-License-Identifier: Apache-2.0

// Package oracle tells whether a host is as it was: it takes snapshots of all
// that a run could leave behind, and compares them. It sees the namespaces of the
// process that calls it, so it belongs into a private host (scripts/private-host),
// where nobody else makes and removes things meanwhile.
package oracle

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Class is a kind of thing that can be left behind.
type Class string

// The classes, in the order in which leaks are told.
const (
	Process  Class = "process"
	Mount    Class = "mount"
	Link     Class = "link"
	Address  Class = "address"
	Route    Class = "route"
	NFT      Class = "nft"
	Iptables Class = "iptables"
	Socket   Class = "socket"
	File     Class = "file"
	Cgroup   Class = "cgroup"
	FD       Class = "fd"
	IPC      Class = "ipc"
	Queue    Class = "mqueue"
	Name     Class = "name"
)

// Thing is one thing on a host.
type Thing struct {
	Class Class
	// Text identifies it among those of its class.
	Text string
}

// String returns the class and the text.
func (t Thing) String() string { return string(t.Class) + ": " + t.Text }

// Scope says where to look.
type Scope struct {
	// Dirs are the directories whose files count, with all that is below them.
	Dirs []string
	// Shared reports whether a file is what all runs have in common and leave on
	// purpose, such as a cache; nil for none. A directory that is, is left out with
	// all that is below it.
	Shared func(path string) bool
	// Cgroups is a part of the name of the cgroups that count, below
	// /sys/fs/cgroup, whose other parts other hosts share; "" for none.
	Cgroups string
	// Processes are those beside the caller whose open files count.
	Processes []int
}

// Snapshot is how many there are of each thing.
type Snapshot map[Thing]int

// look returns the things of one class.
type look func(Scope) ([]Thing, error)

// Take returns what there is.
func Take(s Scope) (Snapshot, error) {
	return take(s, processes, mounts, links, routes, rules, legacyRules, sockets, files, cgroups, descriptors, ipcObjects, queues, names)
}

// Glance returns what can be seen in a millisecond: processes, mounts, interfaces and
// files. Take needs many, for lists of sockets above all, which the kernel gathers from
// tables of its own size. While Glance sees something new, so does Take.
func Glance(s Scope) (Snapshot, error) { return take(s, processes, mounts, links, files) }

func take(s Scope, looks ...look) (Snapshot, error) {
	snap := Snapshot{}
	var errs []error
	for _, look := range looks {
		things, err := look(s)
		errs = append(errs, err)
		for _, t := range things {
			snap[t]++
		}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, fmt.Errorf("take a snapshot of the host: %w", err)
	}
	return snap, nil
}

// Since returns what is there now and was not before, in order.
func (now Snapshot) Since(before Snapshot) []Thing {
	var more []Thing
	for t, n := range now {
		for range n - before[t] {
			more = append(more, t)
		}
	}
	slices.SortFunc(more, func(a, b Thing) int {
		return strings.Compare(a.String(), b.String())
	})
	return more
}

// Changes returns all that differs: what came, with a plus, and what went, with a
// minus.
func (now Snapshot) Changes(before Snapshot) []string {
	var changes []string
	for _, t := range now.Since(before) {
		changes = append(changes, "+ "+t.String())
	}
	for _, t := range before.Since(now) {
		changes = append(changes, "- "+t.String())
	}
	return changes
}
