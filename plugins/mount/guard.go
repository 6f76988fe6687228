// SPDX-License-Identifier: Apache-2.0

package main

import (
	"slices"
	"strings"

	"github.com/nsrun/nsrun/ns"
	"github.com/nsrun/nsrun/nsplugin"
)

// hidden are the parts of /proc and /sys that tell or change something of the
// whole machine, whatever the namespaces. They are those of runc and podman.
var hidden = []string{
	"/proc/acpi", "/proc/asound", "/proc/interrupts", "/proc/kcore", "/proc/keys", "/proc/latency_stats",
	"/proc/sched_debug", "/proc/scsi", "/proc/timer_list", "/proc/timer_stats",
	"/sys/devices/virtual/powercap", "/sys/firmware", "/sys/fs/selinux",
}

// frozen are those that programs read and nobody inside has to write.
var frozen = []string{"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"}

// guardSteps returns the steps that hide and freeze, as far as the paths exist,
// but for those of unmask.
func guardSteps(unmask []string) (steps []ns.Step) {
	kept := func(path string) bool { return slices.Contains(unmask, path) || slices.Contains(unmask, "all") }
	for _, path := range hidden {
		if !kept(path) {
			steps = append(steps, nsplugin.IfExists(nsplugin.Mask(path)))
		}
	}
	for _, path := range frozen {
		if !kept(path) {
			steps = append(steps, nsplugin.IfExists(nsplugin.Remount(path, ns.ReadOnly)))
		}
	}
	return steps
}

// checkUnmask refuses a path that isn't hidden in the first place.
func (t *tree) checkUnmask() {
	for _, path := range t.unmask {
		switch known := path == "all" || slices.Contains(hidden, path) || slices.Contains(frozen, path); {
		case !known:
			t.problem("unmask", "--unmask "+path+": it is neither hidden nor made read-only", "all, or one of "+strings.Join(slices.Concat(hidden, frozen), " "))
		case !t.guarded:
			t.problem("unmask", "--unmask "+path+": nothing is hidden without a --rootfs or --ro-root", "leave it out")
		}
	}
}

// mask hides a path of the user's choice, which must be there.
func (t *tree) mask(option, arg string) {
	if dst, ok := t.target(option, arg); ok {
		t.masks = append(t.masks, nsplugin.Mask(dst))
	}
}

// scratch are the directories that programs expect to write to, or that hold the
// sockets of the host's services, which a read-only mount wouldn't keep anybody
// from connecting to.
var scratch = []struct{ path, data string }{{"/tmp", "mode=1777"}, {"/var/tmp", "mode=1777"}, {"/run", "mode=0755"}}

// scratchSteps returns the steps that mount an empty file system on each that
// exists.
func scratchSteps() (steps []ns.Step) {
	for _, s := range scratch {
		steps = append(steps, nsplugin.IfExists(nsplugin.Tmpfs(s.path, s.data, tmpfsAttrs...)))
	}
	return steps
}
