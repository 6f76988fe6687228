// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"testing"

	"github.com/nsrun/nsrun/ns"
)

func TestRuleAt(t *testing.T) {
	step := func(op ns.Op, at string, attrs ...ns.Attr) made {
		return made{&ns.PlannedStep{Step: ns.Step{Op: op, Target: at, Attrs: attrs}}, at}
	}
	steps := []made{
		step(ns.OpRootfs, "/", ns.ReadOnly, ns.NoSUID),
		step(ns.OpMount, "/proc", ns.NoExec),
		step(ns.OpBind, "/a", ns.ReadOnly),
		step(ns.OpMount, "/a/tmp"),
		step(ns.OpMask, "/a/secret"),
		step(ns.OpBind, "/b"),
		step(ns.OpRemount, "/b", ns.NoExec),
		step(ns.OpRemount, "/proc/sys", ns.ReadOnly),
		step(ns.OpBind, "", ns.ReadOnly), // its target isn't there
	}
	for _, tt := range []struct {
		point string
		attr  ns.Attr
		want  int // -1 for none
	}{
		{"/", ns.ReadOnly, 0},
		{"/home", ns.ReadOnly, 0}, // a mount of the caller's, which came along
		{"/home", ns.NoDev, -1},
		{"/a", ns.ReadOnly, 2},
		{"/a/home", ns.ReadOnly, 2},
		{"/a/home", ns.NoSUID, 0},
		{"/a/tmp", ns.ReadOnly, -1},
		{"/a/secret", ns.NoExec, 4},
		{"/b", ns.ReadOnly, -1}, // made after the root directory
		{"/b", ns.NoExec, 6},
		{"/proc/sys", ns.ReadOnly, 7},
		{"/proc/sys", ns.NoExec, 1}, // copied from the mount that it lies on
	} {
		got := ruleAt(steps, tt.point, tt.attr)
		if tt.want < 0 && got != nil || tt.want >= 0 && got != &steps[tt.want] {
			t.Errorf("%s is %s by %+v, want step %d", tt.point, tt.attr, got, tt.want)
		}
	}
}
