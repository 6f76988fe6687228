// SPDX-License-Identifier: Apache-2.0

package stage

import (
	"strings"
	"testing"

	"github.com/nsrun/nsrun/ns"
)

func TestClocksAreSetOff(t *testing.T) {
	needRoot(t)
	steps := []ns.Step{
		{Op: ns.OpTimeOffset, Target: "monotonic", Data: "86400500000000"}, {Op: ns.OpTimeOffset, Target: "boottime", Data: "-1500000000"},
	}
	script := "cat /proc/self/timens_offsets; [ $(readlink /proc/self/ns/time) != $(readlink /proc/1/ns/time) ] && echo own; true"
	const want = "monotonic 86400 500000000 boottime -2 500000000"
	for name, kinds := range map[string][]ns.Kind{"alone": {ns.Time}, "with an init": {ns.Time, ns.PID, ns.Mount}} {
		t.Run(name, func(t *testing.T) {
			all := steps
			if len(kinds) > 1 {
				all = append([]ns.Step{{Op: ns.OpInit}, private, proc}, steps...)
			}
			out := output(t, order{Config: Config{Kinds: kinds, Steps: plan(all...)}}, sh(script)...)
			if got := strings.Join(strings.Fields(out), " "); !strings.HasPrefix(got, want) || strings.Contains(got, "own") != (len(kinds) > 1) {
				t.Errorf("got %q, want %q", out, want)
			}
		})
	}
}

func TestOffsetLine(t *testing.T) {
	for data, want := range map[string]string{
		"0": "boottime 0 0\n", "1": "boottime 0 1\n", "-1": "boottime -1 999999999\n", "1500000000": "boottime 1 500000000\n", "-2000000000": "boottime -2 0\n",
	} {
		if got := offsetLine(ns.Step{Target: "boottime", Data: data}); got != want {
			t.Errorf("%s: got %q, want %q", data, got, want)
		}
	}
}
