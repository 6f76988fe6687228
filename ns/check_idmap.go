// SPDX-License-Identifier: Apache-2.0

package ns

import (
	"math"
	"slices"
)

// idMap checks what the kernel demands of any map, whoever writes it;
// user_namespaces(7). Which ids a caller may map is the plugin's to know.
func (f *faults) idMap(m *IDMap, offered []Kind, caller Facts) {
	if m == nil {
		return
	}
	if !slices.Contains(offered, User) {
		f.add("an id map without a user namespace")
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
