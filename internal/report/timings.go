// SPDX-License-Identifier: Apache-2.0

package report

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/nsrun/nsrun/core"
)

// waterfall is how many columns the bars of Timings have.
const waterfall = 40

// Timings draws spans as a waterfall: when each began and how long it took.
func Timings(w io.Writer, spans []core.Span) {
	sorted := slices.Clone(spans)
	slices.SortStableFunc(sorted, func(a, b core.Span) int { return int(a.Start - b.Start) })
	var end time.Duration
	for _, s := range sorted {
		end = max(end, s.Start+s.Duration)
	}
	for _, s := range sorted {
		from := int(s.Start * waterfall / max(end, 1))
		length := max(1, int(s.Duration*waterfall/max(end, 1)))
		bar := strings.Repeat(" ", from) + strings.Repeat("#", length)
		fmt.Fprintf(w, "nsrun: %8.2f ms  %-24s |%-*s|\n", float64(s.Duration.Microseconds())/1000, s.Name, waterfall+1, bar)
	}
}
