// SPDX-License-Identifier: Apache-2.0

package flags

import "strings"

// nearest returns the known flag that is most like flag, or "".
func (p *parser) nearest(flag string) string {
	var names []string
	for _, s := range p.sets {
		for _, o := range s.Options {
			names = append(names, "--"+o.Name)
		}
	}
	return Nearest(flag, names)
}

// Nearest returns the name that differs from word by the fewest letters, if
// that is few enough for a typing mistake, or "".
func Nearest(word string, names []string) string {
	best, bestDistance := "", 1+len(strings.TrimLeft(word, "-"))/3
	for _, name := range names {
		if d := distance(word, name); d < bestDistance || d == bestDistance && best == "" {
			best, bestDistance = name, d
		}
	}
	return best
}

// distance is the edit distance of Levenshtein, with the swap of two
// neighbours counted as one.
func distance(a, b string) int {
	before, last := []int(nil), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row := make([]int, len(b)+1)
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last = last, row
	}
	return last[len(b)]
}
