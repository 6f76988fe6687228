// SPDX-License-Identifier: Apache-2.0

package find

import (
	"slices"
	"strings"
)

// similar returns those of names that somebody who typed name could have meant,
// best first.
func similar(name string, names []string) []string {
	type scored struct {
		name string
		far  int
	}
	var close []scored
	for _, n := range names {
		far := distance(name, n)
		if strings.HasPrefix(n, name) || strings.HasPrefix(name, n) {
			far = 0
		}
		if far <= max(1, len(name)/3) {
			close = append(close, scored{n, far})
		}
	}
	slices.SortStableFunc(close, func(a, b scored) int { return a.far - b.far })
	out := make([]string, len(close))
	for i, c := range close {
		out[i] = c.name
	}
	return out
}

// distance counts the letters to insert, drop, change or swap with their
// neighbour to turn a into b.
func distance(a, b string) int {
	before, prev, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range prev {
		prev[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			row[j] = min(prev[j]+1, row[j-1]+1, prev[j-1]+differ(a[i-1], b[j-1]))
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, prev, row = prev, row, before
	}
	return prev[len(b)]
}

func differ(a, b byte) int {
	if a == b {
		return 0
	}
	return 1
}
