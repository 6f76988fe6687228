// SPDX-License-Identifier: Apache-2.0

package ns

import (
	"fmt"
	"strings"
)

// MaxExtents is how many lines the kernel takes in one map; user_namespaces(7).
const MaxExtents = 340

// IDMap is the map of a user namespace; user_namespaces(7).
type IDMap struct {
	// UIDs and GIDs are the lines of /proc/PID/uid_map and gid_map.
	UIDs []Extent `json:"uids"`
	GIDs []Extent `json:"gids"`
	// DenySetgroups writes "deny" to /proc/PID/setgroups before the gid map,
	// which the kernel demands of a caller without CAP_SETGID.
	DenySetgroups bool `json:"denySetgroups,omitempty"`
	// Helpers writes the maps through newuidmap(1) and newgidmap(1).
	Helpers bool `json:"helpers,omitempty"`
	// Direct has nsrun write the maps, as soon as there is a child, so that the
	// plugin need not run for it. It is for the caller's own id alone in each list,
	// which takes no privilege.
	Direct bool `json:"direct,omitempty"`
}

// Extent maps Size consecutive ids from Inside to the ids from Outside.
type Extent struct {
	Inside  uint32 `json:"inside"`
	Outside uint32 `json:"outside"`
	Size    uint32 `json:"size"`
}

// String returns the extent as a line of uid_map has it.
func (e Extent) String() string { return fmt.Sprintf("%d %d %d", e.Inside, e.Outside, e.Size) }

// FormatExtents returns the text to write to uid_map or gid_map.
func FormatExtents(extents []Extent) string {
	var b strings.Builder
	for _, e := range extents {
		b.WriteString(e.String())
		b.WriteByte('\n')
	}
	return b.String()
}

// MapsInside reports whether id exists inside a namespace with these extents.
func MapsInside(extents []Extent, id uint32) bool {
	for _, e := range extents {
		if id >= e.Inside && uint64(id) < uint64(e.Inside)+uint64(e.Size) {
			return true
		}
	}
	return false
}

// MapsOutside reports whether the id of the namespace around it exists in a namespace with
// these extents.
func MapsOutside(extents []Extent, id uint32) bool {
	_, ok := IDInside(extents, id)
	return ok
}

// IDInside returns what the id of the namespace around it is in a namespace with these
// extents, and false if it isn't there.
func IDInside(extents []Extent, id uint32) (inside uint32, ok bool) {
	for _, e := range extents {
		if n := id - e.Outside; id >= e.Outside && n < e.Size {
			return e.Inside + n, true
		}
	}
	return 0, false
}
