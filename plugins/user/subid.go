// SPDX-License-Identifier: Apache-2.0

package main

import (
	"slices"
	"strconv"
	"strings"

	"github.com/nsrun/nsrun/ns"
)

// parseSubIDs returns the ranges of a user, by name or by number, from the text
// of /etc/subuid or /etc/subgid; subuid(5). A line that isn't well-formed gives
// nobody a range, as newuidmap(1) has it.
func parseSubIDs(text, name string, uid uint32) []ns.Extent {
	var ranges []ns.Extent
	for line := range strings.Lines(text) {
		owner, rest, _ := strings.Cut(strings.TrimSpace(line), ":")
		if owner == "" || (owner != name && owner != strconv.FormatUint(uint64(uid), 10)) {
			continue
		}
		if r, ok := parseRange(rest); ok {
			ranges = append(ranges, r)
		}
	}
	return ranges
}

// parseRange reads FIRST:COUNT.
func parseRange(s string) (ns.Extent, bool) {
	first, count, _ := strings.Cut(s, ":")
	start, err := parseID(first)
	if err != nil {
		return ns.Extent{}, false
	}
	size, err := parseID(count)
	r := ns.Extent{Outside: start, Size: size}
	return r, err == nil && size > 0 && outside(r).last <= lastID
}

// usable returns the ranges that can be mapped together. Inside another user
// namespace /etc/subuid may list ids that don't exist there, and nothing keeps
// it from listing an id twice.
func (s *side) usable(ranges []ns.Extent) []ns.Extent {
	var kept []ns.Extent
	for _, r := range ranges {
		twice := func(k ns.Extent) bool { return outside(k).overlaps(outside(r)) }
		own := spanOf(s.own, 1).within(outside(r))
		if s.exists(r) && !own && !slices.ContainsFunc(kept, twice) {
			kept = append(kept, r)
		}
	}
	// Two lines of the map are for the caller's own id and for the range that it
	// splits.
	return kept[:min(len(kept), ns.MaxExtents-2)]
}
