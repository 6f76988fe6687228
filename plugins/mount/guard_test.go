// SPDX-License-Identifier: Apache-2.0

package main

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/nsrun/nsrun/ns"
)

// ops returns the steps as "op target", those with IfExists with a ?.
func ops(steps []ns.Step) (list []string) {
	for _, s := range steps {
		text := string(s.Op) + " " + s.Target
		if s.IfExists {
			text += "?"
		}
		list = append(list, text)
	}
	return list
}

func TestARootHidesWhatIsTheMachines(t *testing.T) {
	root := newRoot(t)
	for name, m := range map[string]mount{"rootfs": {Rootfs: root}, "ro-root": {RORoot: true}} {
		t.Run(name, func(t *testing.T) {
			got := ops(steps(t, m, withPID, set("bind", "/etc", "/srv"), set("mask", "/home")))
			for _, want := range []string{"mask /proc/keys?", "mask /sys/firmware?", "remount /proc/sys?", "mask /home"} {
				if !slices.Contains(got, want) {
					t.Errorf("no step %q in %q", want, got)
				}
			}
			if first := slices.Index(got, "mask /proc/acpi?"); first < slices.Index(got, "bind /srv") {
				t.Error("hidden before the user's own mounts, which could bring it back")
			}
			if last := got[len(got)-1]; last != "pivot " {
				t.Errorf("the last step is %q", last)
			}
		})
	}
	for name, m := range map[string]mount{"no root": {}, "a bind on /": {}} {
		settings := []ns.Setting{}
		if name != "no root" {
			settings = append(settings, set("bind", "/", "/"))
		}
		if got := strings.Join(ops(steps(t, m, withPID, settings...)), ","); strings.Contains(got, "mask") {
			t.Errorf("%s: %s", name, got)
		}
	}
}

func TestUnmaskLeavesPathsAsTheyAre(t *testing.T) {
	m := mount{Rootfs: newRoot(t), Unmask: []string{"/proc/keys", "/proc/sys"}}
	got := ops(steps(t, m, withPID))
	if slices.Contains(got, "mask /proc/keys?") || slices.Contains(got, "remount /proc/sys?") || !slices.Contains(got, "mask /proc/kcore?") {
		t.Errorf("got %q", got)
	}
}

func TestAReadOnlyRootHasPlacesToWriteTo(t *testing.T) {
	got := ops(steps(t, mount{RORoot: true, Unmask: everything}, withPID))
	want := []string{"propagation /", "rootfs ", "mount /proc", "mount /dev"}
	if d := cmp.Diff(want, got[:4]); d != "" {
		t.Errorf("steps (-want +got):\n%s", d)
	}
	if !slices.Contains(got, "mount /tmp?") || !slices.Contains(got, "mount /run?") {
		t.Errorf("got %q", got)
	}
}

func TestAnotherRootHasNoScratch(t *testing.T) {
	if got := ops(steps(t, mount{Rootfs: "/", Unmask: everything}, withPID)); slices.Contains(got, "mount /tmp?") {
		t.Errorf("got %q", got)
	}
}

func TestOverlays(t *testing.T) {
	changes := newRoot(t)
	want := []ns.Step{
		private,
		{Op: ns.OpOverlay, Source: "/etc", Target: "/srv", Attrs: tmpfsAttrs},
		{Op: ns.OpOverlay, Source: "/usr", Target: "/mnt", Data: changes, Attrs: tmpfsAttrs},
	}
	got := steps(t, mount{}, mountOnly, set("tmp-overlay", "/etc", "/srv"), set("overlay", "/usr", changes, "/mnt"))
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("steps (-want +got):\n%s", d)
	}
}

func TestErrorsOfWhatHides(t *testing.T) {
	root := newRoot(t)
	for want, c := range map[string]struct {
		plugin   mount
		settings []ns.Setting
	}{
		"--tmp-overlay /etc /: an overlay can't be the root directory":          {mount{}, []ns.Setting{set("tmp-overlay", "/etc", "/")}},
		"--tmp-overlay /missing /mnt: no such file or directory":                {mount{}, []ns.Setting{set("tmp-overlay", "/missing", "/mnt")}},
		"--overlay /etc /etc/passwd /mnt: not a directory":                      {mount{}, []ns.Setting{set("overlay", "/etc", "/etc/passwd", "/mnt")}},
		"--unmask /proc/sys: nothing is hidden without a --rootfs or --ro-root": {mount{Unmask: []string{"/proc/sys"}}, nil},
		"--unmask /proc/moon: it is neither hidden nor made read-only":          {mount{Rootfs: root, Unmask: []string{"/proc/moon"}}, nil},
		"--rootfs " + root + ": / is the root directory already":                {mount{Rootfs: root, RORoot: true}, nil},
		"--mask /: that is the root directory":                                  {mount{}, []ns.Setting{set("mask", "/")}},
	} {
		t.Run(want, func(t *testing.T) {
			offer := negotiate(t, c.plugin, withPID, c.settings...)
			if len(offer.Diagnostics) != 1 || offer.Diagnostics[0].Summary != want || offer.Diagnostics[0].Hint == "" {
				t.Errorf("got %+v", offer.Diagnostics)
			}
		})
	}
}

func TestPropagationIsChosen(t *testing.T) {
	if got := steps(t, mount{Propagate: "slave"}, mountOnly)[0].Data; got != "slave" {
		t.Errorf("got %s", got)
	}
}
