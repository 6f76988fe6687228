// SPDX-License-Identifier: Apache-2.0

package nstoml

// Nearest returns the word of known that is one or two letters away from s, or "".
func Nearest(s string, known []string) string {
	best, found := 3, ""
	for _, k := range known {
		if d := distance(s, k); d < best && d < len(s) {
			best, found = d, k
		}
	}
	return found
}

// distance is the number of letters to add, drop or change to make b of a.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, diagonal+1)
		}
	}
	return row[len(b)]
}
