// SPDX-License-Identifier: Apache-2.0

package report

import (
	"encoding/json"
	"encoding/xml"
	"strings"
	"testing"
	"time"

	"github.com/nsrun/nsrun/core"
)

var spans = []core.Span{
	{Name: "clone", Start: 3 * time.Millisecond, Duration: time.Millisecond},
	{Name: "negotiate a<b", Start: time.Millisecond, Duration: 2 * time.Millisecond},
}

func TestTimings(t *testing.T) {
	var b strings.Builder
	Timings(&b, spans)
	want := "nsrun:     2.00 ms  negotiate a<b            |          ####################           |\n" +
		"nsrun:     1.00 ms  clone                    |                              ########## |\n"
	if b.String() != want {
		t.Errorf("drew\n%s, want\n%s", b.String(), want)
	}
}

func TestTimingsJSON(t *testing.T) {
	var b strings.Builder
	if err := TimingsJSON(&b, spans); err != nil {
		t.Fatal(err)
	}
	const want = `{"timings":[{"name":"negotiate a\u003cb","startMs":1,"durationMs":2},{"name":"clone","startMs":3,"durationMs":1}]}` + "\n"
	if b.String() != want || !json.Valid([]byte(b.String())) {
		t.Errorf("wrote %s", b.String())
	}
}

func TestTimingsSVG(t *testing.T) {
	var b strings.Builder
	if err := TimingsSVG(&b, spans); err != nil {
		t.Fatal(err)
	}
	var svg struct {
		Texts []string `xml:"text"`
		Bars  []struct {
			X     int `xml:"x,attr"`
			Width int `xml:"width,attr"`
		} `xml:"rect"`
	}
	if err := xml.Unmarshal([]byte(b.String()), &svg); err != nil {
		t.Fatal(err)
	}
	if len(svg.Texts) != 4 || svg.Texts[0] != "negotiate a<b" || svg.Texts[3] != "1.00 ms" {
		t.Errorf("texts are %q", svg.Texts)
	}
	if len(svg.Bars) != 2 || svg.Bars[0].X != svgNames+svgBars/4 || svg.Bars[0].Width != svgBars/2 {
		t.Errorf("bars are %+v", svg.Bars)
	}
}
