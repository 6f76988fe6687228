// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/nsrun/nsrun/ns"
)

func TestParseSubIDs(t *testing.T) {
	const file = `
# comment
bob:100000:65536
ann:200000:10
1000:300000:20
ann:400000:0
ann:abc:10
ann:500000:abc
ann:500000
ann:4294967290:10
ann
anne:600000:10
:700000:10
ann:200100:1
`
	tests := []struct {
		name string
		user string
		uid  uint32
		want []ns.Extent
	}{
		{"by name and by number", "ann", 1000, []ns.Extent{{Outside: 200000, Size: 10}, {Outside: 300000, Size: 20}, {Outside: 200100, Size: 1}}},
		{"by number without a name", "", 1000, []ns.Extent{{Outside: 300000, Size: 20}}},
		{"nobody's", "eve", 1001, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, parseSubIDs(file, tt.user, tt.uid)); diff != "" {
				t.Errorf("ranges (-want +got):\n%s", diff)
			}
		})
	}
}

func TestUsableRanges(t *testing.T) {
	s := side{own: 1000, exist: []ns.Extent{{Inside: 0, Outside: 5, Size: 70000}}}
	got := s.usable([]ns.Extent{
		{Outside: 2000, Size: 10},
		{Outside: 2005, Size: 10},   // the same ids again
		{Outside: 990, Size: 20},    // the caller's own id among them
		{Outside: 65536, Size: 10},  // good
		{Outside: 69999, Size: 2},   // more than exists
		{Outside: 100000, Size: 10}, // doesn't exist
	})
	want := []ns.Extent{{Outside: 2000, Size: 10}, {Outside: 65536, Size: 10}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("ranges (-want +got):\n%s", diff)
	}
}

// However many ranges somebody has, the map that follows is one that the kernel
// takes.
func TestManyRangesFitIntoAMap(t *testing.T) {
	var file strings.Builder
	for i := range 2 * ns.MaxExtents {
		fmt.Fprintf(&file, "ann:%d:7\n", 100000+10*i) // 7, so that id 1000 splits one
	}
	c := ordinary()
	c.users.sub = c.users.usable(parseSubIDs(file.String(), "ann", 1000))
	m, notes := (&user{MapAuto: true, MapCurrent: true}).decide(c)
	if m == nil || len(m.UIDs) != ns.MaxExtents {
		t.Fatalf("decide: %+v, want a map of %d lines", notes, ns.MaxExtents)
	}
}
