// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"strings"
	"testing"
)

// TestContendersAreComparedRoundByRound works out figures of rounds on a machine that
// is ten times slower in one of them.
func TestContendersAreComparedRoundByRound(t *testing.T) {
	base := &contender{Backend: baseBackend, times: []float64{10, 100, 12, 10}}
	c := &contender{Backend: "x", times: []float64{20, 200, 24, 30}}
	failed := &contender{Backend: "y", Reason: "it can't"}
	for _, c := range []*contender{base, c, failed} {
		c.sumUp(base)
	}
	if base.Median != 11 || base.Ratio != 1 || c.Median != 27 || c.Min != 20 || c.Max != 200 || c.Ratio != 2 {
		t.Errorf("%+v, compared with %+v", c, base)
	}
	var out strings.Builder
	if err := printContenders(&out, []*contender{base, c, failed}, false); err != nil {
		t.Error(err)
	}
	const want = `BACKEND  MEDIAN   MIN      MAX       TO NONE
none     11.0 ms  10.0 ms  100.0 ms  1.00
x        27.0 ms  20.0 ms  200.0 ms  2.00
no: y: it can't
`
	if out.String() != want {
		t.Errorf("%s", &out)
	}
	if err := printContenders(&out, []*contender{failed}, true); err == nil {
		t.Error("none of them can run, and that is success")
	}
}

// TestReasonIn finds the error in what nsrun said.
func TestReasonIn(t *testing.T) {
	for said, want := range map[string]string{
		"nsrun: notice: added user\n  cause: no root\nnsrun: net: attach: no\n  cause: root only\n  try:   root\n": "net: attach: no: root only",
		"nsrun: net: attach: no\n  try:   root\nnsrun: mount: no\n  cause: why\n":                                  "net: attach: no",
		"nsrun: net: attach: no": "net: attach: no",
		"killed\n":               "nsrun: exit status 2",
	} {
		if got := reasonIn(said, errors.New("exit status 2")); got != want {
			t.Errorf("%q: %s", said, got)
		}
	}
}
