// SPDX-License-Identifier: Apache-2.0

package ns

import (
	"slices"
	"strings"
	"syscall"
)

// Kind is a kind of Linux namespace, by its name in /proc/PID/ns; see namespaces(7).
type Kind string

// The kinds that nsrun knows. Whoever owns one in a run decides how it is set up.
const (
	User   Kind = "user"
	PID    Kind = "pid"
	IPC    Kind = "ipc"
	UTS    Kind = "uts"
	Net    Kind = "net"
	Mount  Kind = "mount"
	Cgroup Kind = "cgroup"
	Time   Kind = "time"
)

// kinds is the order in which kinds are set up, and the clone flag of each.
//
// user comes first: nothing in the child has privilege before its id map is
// written (user_namespaces(7)). mount comes last, since its steps end with
// pivot_root(2), after which the paths of the host are out of reach.
var kinds = []struct {
	kind Kind
	flag uintptr
	file string
}{
	{User, syscall.CLONE_NEWUSER, "user"},
	{PID, syscall.CLONE_NEWPID, "pid"},
	{IPC, syscall.CLONE_NEWIPC, "ipc"},
	{UTS, syscall.CLONE_NEWUTS, "uts"},
	{Cgroup, syscall.CLONE_NEWCGROUP, "cgroup"},
	{Time, syscall.CLONE_NEWTIME, "time"},
	{Net, syscall.CLONE_NEWNET, "net"},
	{Mount, syscall.CLONE_NEWNS, "mnt"},
}

// Kinds returns every kind in rank order, first to be set up first.
func Kinds() []Kind {
	all := make([]Kind, len(kinds))
	for i, k := range kinds {
		all[i] = k.kind
	}
	return all
}

// Valid reports whether k is one of the kinds that nsrun knows.
func (k Kind) Valid() bool { return k.index() >= 0 }

// Rank returns the place of k in the order of set-up. A plugin without a kind
// ranks after all kinds.
func (k Kind) Rank() int {
	if i := k.index(); i >= 0 {
		return i
	}
	return len(kinds)
}

// CloneFlag returns the CLONE_NEW* flag of clone(2) for k, or 0 for an unknown kind.
func (k Kind) CloneFlag() uintptr {
	if i := k.index(); i >= 0 {
		return kinds[i].flag
	}
	return 0
}

// File returns the name of k in /proc/PID/ns ("mnt" for mount), or "" for an unknown kind.
func (k Kind) File() string {
	if i := k.index(); i >= 0 {
		return kinds[i].file
	}
	return ""
}

func (k Kind) index() int {
	for i := range kinds {
		if kinds[i].kind == k {
			return i
		}
	}
	return -1
}

// SortKinds returns ks in rank order without duplicates. ks is left as it was.
func SortKinds(ks []Kind) []Kind {
	sorted := slices.Clone(ks)
	slices.SortStableFunc(sorted, func(a, b Kind) int { return a.Rank() - b.Rank() })
	return slices.Compact(sorted)
}

// JoinKinds returns the names of ks with sep between them.
func JoinKinds(ks []Kind, sep string) string {
	names := make([]string, len(ks))
	for i, k := range ks {
		names[i] = string(k)
	}
	return strings.Join(names, sep)
}

// CloneFlags returns the CLONE_NEW* flags of all ks, or-ed together.
func CloneFlags(ks []Kind) uintptr {
	var flags uintptr
	for _, k := range ks {
		flags |= k.CloneFlag()
	}
	return flags
}
