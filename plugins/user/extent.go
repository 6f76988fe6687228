// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/nsrun/nsrun/ns"
)

// parseExtent reads IN:OUT:N. Digits only: no sign, no space, no names, so that
// nothing is taken for 0 that isn't.
func parseExtent(s string) (ns.Extent, error) {
	fields := strings.Split(s, ":")
	if len(fields) != 3 {
		return ns.Extent{}, errors.New("it isn't of the form IN:OUT:N")
	}
	return extentOf(fields)
}

// parseMap reads the lines of a uid_map or gid_map file.
func parseMap(text string) ([]ns.Extent, error) {
	var extents []ns.Extent
	for line := range strings.Lines(text) {
		fields := strings.Fields(line)
		if len(fields) != 3 {
			return nil, fmt.Errorf("line %q doesn't have three numbers", strings.TrimSpace(line))
		}
		e, err := extentOf(fields)
		if err != nil {
			return nil, err
		}
		extents = append(extents, e)
	}
	return extents, nil
}

// extentOf returns the extent of three numbers.
func extentOf(fields []string) (ns.Extent, error) {
	var numbers [3]uint32
	for i, f := range fields {
		n, err := parseID(f)
		if err != nil {
			return ns.Extent{}, err
		}
		numbers[i] = n
	}
	return ns.Extent{Inside: numbers[0], Outside: numbers[1], Size: numbers[2]}, nil
}

// parseID reads an id or a count.
func parseID(s string) (uint32, error) {
	n, err := strconv.ParseUint(s, 10, 32)
	if err != nil {
		return 0, fmt.Errorf("%q is no number from 0 to %d", s, uint32(math.MaxUint32))
	}
	return uint32(n), nil
}

// span is a run of ids, the last one included. It is wider than an id so that
// nothing wraps.
type span struct{ first, last uint64 }

func inside(e ns.Extent) span  { return spanOf(e.Inside, e.Size) }
func outside(e ns.Extent) span { return spanOf(e.Outside, e.Size) }

func spanOf(first, size uint32) span {
	return span{uint64(first), uint64(first) + uint64(size) - 1}
}

func (s span) overlaps(t span) bool { return s.first <= t.last && t.first <= s.last }
func (s span) within(t span) bool   { return s.first >= t.first && s.last <= t.last }
func (s span) String() string {
	if s.first == s.last {
		return fmt.Sprint(s.first)
	}
	return fmt.Sprintf("%d-%d", s.first, s.last)
}
