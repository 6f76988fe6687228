// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"fmt"
	"html"
)

// The measures of the chart, in pixels.
const (
	chartWidth = 760
	labelWidth = 250
	rowHeight  = 20
	titleSpace = 30
)

// chart draws the medians as bars, each case to its own scale.
func chart(r Report) []byte {
	var b bytes.Buffer
	y := 10
	for _, result := range r.Results {
		y += titleSpace
		fmt.Fprintf(&b, "<text x=\"10\" y=\"%d\" font-weight=\"bold\">%s</text>\n", y, html.EscapeString(result.Case))
		y += 8
		for i, f := range result.Rows {
			bar(&b, y, i == 0, f, result)
			y += rowHeight
		}
	}
	head := fmt.Sprintf("<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" font-family=\"sans-serif\" font-size=\"12\">\n", chartWidth, y+20)
	return append(append([]byte(head), b.Bytes()...), "</svg>\n"...)
}

func bar(b *bytes.Buffer, y int, ours bool, f Figure, r Result) {
	colour := "#9aa5b1"
	if ours {
		colour = "#2f7d4f"
	}
	width := f.Median / longest(r) * (chartWidth - labelWidth - 120)
	fmt.Fprintf(b, "<text x=\"10\" y=\"%d\">%s</text>", y+14, html.EscapeString(f.Label))
	fmt.Fprintf(b, "<rect x=\"%d\" y=\"%d\" width=\"%.1f\" height=\"%d\" fill=\"%s\"/>", labelWidth, y+3, width, rowHeight-6, colour)
	fmt.Fprintf(b, "<text x=\"%.1f\" y=\"%d\">%.2f %s</text>\n", labelWidth+width+6, y+14, f.Median, r.Unit)
}

func longest(r Result) float64 {
	most := 0.0
	for _, f := range r.Rows {
		most = max(most, f.Median)
	}
	return most
}
