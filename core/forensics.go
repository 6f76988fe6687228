// SPDX-License-Identifier: Apache-2.0

package core

import (
	"cmp"
	"os"
	"path/filepath"
	"strings"

	"github.com/nsrun/nsrun/core/stage"
	"github.com/nsrun/nsrun/internal/procfs"
	"github.com/nsrun/nsrun/ns"
	"golang.org/x/sys/unix"
)

// mountTable returns the caller's mounts, in the order in which they were made.
func mountTable() []procfs.Mount {
	text, _ := os.ReadFile("/proc/self/mountinfo")
	return procfs.ParseMounts(string(text))
}

// mountOf returns the mount that path lies on: the last made among those whose
// point is the deepest above it.
func mountOf(table []procfs.Mount, path string) (found procfs.Mount) {
	for _, m := range table {
		if stage.Below(m.Point, path) && len(m.Point) >= len(found.Point) {
			found = m
		}
	}
	return found
}

// locked are the flags of a mount that a user namespace may not clear in a copy of it,
// mount_namespaces(7), "Restrictions on mount namespaces".
var locked = []string{"ro", "nosuid", "nodev", "noexec", "noatime", "nodiratime", "relatime"}

// lockedFlags returns those that m has.
func lockedFlags(m procfs.Mount) (flags []string) {
	for _, flag := range locked {
		if m.Has(flag) {
			flags = append(flags, flag)
		}
	}
	return flags
}

// explainMount adds what the errno of a mount step doesn't tell: the call with its flags,
// where links lead, and the mounts that source and target lie on.
func explainMount(d *ns.Diagnostic, e *stage.StepError, table []procfs.Mount, inUserNS bool) {
	facts := []string{d.Detail}
	if e.Line != "" {
		facts = append(facts, "the call was "+e.Line)
	}
	source := e.Step.Source
	if filepath.IsAbs(source) {
		real, err := filepath.EvalSymlinks(source)
		if err == nil && real != filepath.Clean(source) {
			facts = append(facts, source+" leads to "+real)
		}
		on := mountOf(table, cmp.Or(real, source))
		facts = append(facts, "the source is on the mount "+on.String())
		if flags := lockedFlags(on); inUserNS && e.Errno == unix.EPERM && len(flags) > 0 {
			facts = append(facts, "its "+strings.Join(flags, ",")+" can't be taken off in a user namespace")
		}
	}
	if e.Step.Target != "" {
		facts = append(facts, "the target is below the caller's mount "+mountOf(table, e.Step.Target).String())
	}
	d.Detail = strings.Join(facts, "; ")
}
