// SPDX-License-Identifier: Apache-2.0

package report

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/nsrun/nsrun/core"
)

// waterfall is how many columns the bars of Timings have.
const waterfall = 40

// sorted returns spans as they began, and the end of the last.
func sorted(spans []core.Span) ([]core.Span, time.Duration) {
	all := slices.Clone(spans)
	slices.SortStableFunc(all, func(a, b core.Span) int { return int(a.Start - b.Start) })
	var end time.Duration
	for _, s := range all {
		end = max(end, s.Start+s.Duration)
	}
	return all, max(end, 1)
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// Timings draws spans as a waterfall: when each began and how long it took.
func Timings(w io.Writer, spans []core.Span) {
	all, end := sorted(spans)
	for _, s := range all {
		from := int(s.Start * waterfall / end)
		length := max(1, int(s.Duration*waterfall/end))
		bar := strings.Repeat(" ", from) + strings.Repeat("#", length)
		fmt.Fprintf(w, "nsrun: %8.2f ms  %-24s |%-*s|\n", milliseconds(s.Duration), s.Name, waterfall+1, bar)
	}
}

// TimingsJSON writes spans as one line of JSON: a list of names, each with its
// start and duration in milliseconds.
func TimingsJSON(w io.Writer, spans []core.Span) error {
	type span struct {
		Name     string  `json:"name"`
		Start    float64 `json:"startMs"`
		Duration float64 `json:"durationMs"`
	}
	all, _ := sorted(spans)
	list := make([]span, len(all))
	for i, s := range all {
		list[i] = span{s.Name, milliseconds(s.Start), milliseconds(s.Duration)}
	}
	return json.NewEncoder(w).Encode(map[string]any{"timings": list})
}

// The measures of TimingsSVG in pixels.
const (
	svgRow   = 22
	svgNames = 200
	svgBars  = 600
)

// TimingsSVG draws spans as a waterfall in SVG.
func TimingsSVG(w io.Writer, spans []core.Span) error {
	all, end := sorted(spans)
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" font-family="sans-serif" font-size="12">`+"\n",
		svgNames+svgBars+100, (len(all)+1)*svgRow)
	for i, s := range all {
		y := i * svgRow
		x := svgNames + int(s.Start*svgBars/end)
		width := max(1, int(s.Duration*svgBars/end))
		fmt.Fprintf(&b, `<text x="%d" y="%d" text-anchor="end">%s</text>`, svgNames-8, y+15, escape(s.Name))
		fmt.Fprintf(&b, `<rect x="%d" y="%d" width="%d" height="%d" fill="%s"/>`, x, y+3, width, svgRow-6, colour(s.Name))
		fmt.Fprintf(&b, `<text x="%d" y="%d">%.2f ms</text>`+"\n", x+width+6, y+15, milliseconds(s.Duration))
	}
	b.WriteString("</svg>\n")
	_, err := io.WriteString(w, b.String())
	return err
}

// escape makes text fit for XML.
func escape(text string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(text)
}

// colour tells calls of plugins, whose names have a word of their own behind the
// call's, from nsrun's own phases.
func colour(name string) string {
	if strings.HasPrefix(name, "negotiate ") || strings.HasPrefix(name, "pre-exec ") || strings.HasPrefix(name, "post-exec ") {
		return "#d98a3d"
	}
	return "#4a7fb5"
}
