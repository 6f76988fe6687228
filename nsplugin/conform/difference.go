// SPDX-License-Identifier: Apache-2.0

package conform

import (
	"encoding/json"
	"fmt"
	"strings"
)

// Difference returns the first line in which two values differ as JSON, and ""
// for values that don't.
func Difference(a, b any) string {
	if strings.Join(jsonLines(a), "\n") == strings.Join(jsonLines(b), "\n") {
		return ""
	}
	return difference(a, b)
}

// difference returns the first line in which two values differ as JSON.
func difference(a, b any) string {
	linesA, linesB := jsonLines(a), jsonLines(b)
	for i := range min(len(linesA), len(linesB)) {
		if linesA[i] != linesB[i] {
			return fmt.Sprintf("%s, then %s", strings.TrimSpace(linesA[i]), strings.TrimSpace(linesB[i]))
		}
	}
	return fmt.Sprintf("%d lines as JSON, then %d", len(linesA), len(linesB))
}

func jsonLines(v any) []string {
	text, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		return []string{err.Error()}
	}
	return strings.Split(string(text), "\n")
}
