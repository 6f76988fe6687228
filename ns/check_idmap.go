// SPDX-License-Identifier: Apache-2.0

package ns

import (
	"math"
	"slices"
	"strings"
)

// idMap checks what the kernel demands of any map, whoever writes it;
// user_namespaces(7). Which ids a caller may map is the plugin's to know.
func (f *faults) idMap(o *Offer, caller Facts) {
	m := o.IDMap
	if m == nil {
		return
	}
	if !slices.Contains(o.Kinds, User) {
		f.add("an id map without a user namespace")
	}
	if !m.Direct && !slices.Contains(o.Hooks, PreExec) {
		f.add("an id map that nobody writes: it isn't direct, and hooks lacks %s", PreExec)
	}
	f.extents("uid map", m.UIDs)
	f.extents("gid map", m.GIDs)
	f.direct(m, caller)
}

// direct checks that a map which nsrun writes takes no privilege. The kernel lets
// root map any id, so that it is no help here.
func (f *faults) direct(m *IDMap, caller Facts) {
	switch {
	case !m.Direct:
	case m.Helpers:
		f.add("an id map both direct and by helpers")
	case !single(m.UIDs) || !single(m.GIDs):
		f.add("a direct id map with more than one id in a list")
	default:
		f.own("uid", m.UIDs[0].Outside, caller.UID)
		f.own("gid", m.GIDs[0].Outside, caller.GID)
	}
}

func (f *faults) own(what string, mapped uint32, callers int) {
	if int64(mapped) != int64(callers) {
		f.add("a direct id map to %s %d, which isn't the caller's: %d", what, mapped, callers)
	}
}

// Written is what the files of a process in a user namespace say; user_namespaces(7).
type Written struct {
	UIDMap, GIDMap, Setgroups string
}

// CheckWritten returns everything in which the map that a plugin wrote is not m, which
// its offer has and the plan shows.
func CheckWritten(m *IDMap, w Written) []Diagnostic {
	f := &faults{of: "pre-exec"}
	f.written("uid_map", w.UIDMap, FormatExtents(m.UIDs))
	f.written("gid_map", w.GIDMap, FormatExtents(m.GIDs))
	if m.DenySetgroups {
		f.written("setgroups", w.Setgroups, "deny\n")
	}
	return f.diagnostics()
}

// written compares lines in any order: the kernel sorts maps of more than five.
func (f *faults) written(file, got, want string) {
	if got, want := words(got), words(want); !slices.Equal(slices.Sorted(slices.Values(got)), slices.Sorted(slices.Values(want))) {
		f.add("%s of the child is %q now, and %q in the offer", file, strings.Join(got, ", "), strings.Join(want, ", "))
	}
}

// words returns the lines of text with one space between words.
func words(text string) (lines []string) {
	for line := range strings.Lines(text) {
		lines = append(lines, strings.Join(strings.Fields(line), " "))
	}
	return lines
}

func single(extents []Extent) bool { return len(extents) == 1 && extents[0].Size == 1 }

func (f *faults) extents(what string, extents []Extent) {
	if len(extents) == 0 {
		f.add("%s is empty", what)
	}
	if !f.count("lines of the "+what, len(extents), MaxExtents) {
		return
	}
	for i, e := range extents {
		switch {
		case e.Size == 0:
			f.add("%s has an empty line: %s", what, e)
		case wraps(e.Inside, e.Size) || wraps(e.Outside, e.Size):
			f.add("%s has a line beyond the last id: %s", what, e)
		}
		for _, other := range extents[:i] {
			if overlap(e.Inside, e.Size, other.Inside, other.Size) ||
				overlap(e.Outside, e.Size, other.Outside, other.Size) {
				f.add("%s has lines that overlap: %s and %s", what, other, e)
			}
		}
	}
}

// wraps reports whether the last of n ids from first is beyond the last valid
// one. The id 2^32-1 means "no id"; chown(2).
func wraps(first, n uint32) bool { return uint64(first)+uint64(n) > math.MaxUint32 }

// overlap reports whether n ids from a and m ids from b have one in common.
func overlap(a, n, b, m uint32) bool {
	return uint64(a) < uint64(b)+uint64(m) && uint64(b) < uint64(a)+uint64(n)
}
