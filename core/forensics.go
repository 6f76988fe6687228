// SPDX-License-Identifier: Apache-2.0

package core

import (
	"cmp"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

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
	if filepath.IsAbs(e.Step.Source) {
		facts = append(facts, explainSource(d, e, table, inUserNS)...)
	}
	if e.Step.Target != "" {
		facts = append(facts, "the target is below the caller's mount "+mountOf(table, e.Step.Target).String())
	}
	d.Detail = strings.Join(facts, "; ")
}

// explainSource returns what there is to say of the source of a step: where it is, and
// what in its mount or above it can be the reason.
func explainSource(d *ns.Diagnostic, e *stage.StepError, table []procfs.Mount, inUserNS bool) (facts []string) {
	source := e.Step.Source
	real, err := filepath.EvalSymlinks(source)
	if err == nil && real != filepath.Clean(source) {
		facts = append(facts, source+" leads to "+real)
	}
	on := mountOf(table, cmp.Or(real, source))
	facts = append(facts, "the source is on the mount "+on.String())
	if flags := lockedFlags(on); inUserNS && e.Errno == unix.EPERM && len(flags) > 0 {
		facts = append(facts, "its "+strings.Join(flags, ",")+" can't be taken off in a user namespace")
	}
	if dir := closedAbove(cmp.Or(real, source)); inUserNS && e.Errno == unix.EACCES && dir != "" {
		facts = append(facts, "root of a user namespace has no more right to pass "+dir+" than others")
		d.Hint = "chmod o+x " + dir
	}
	return facts
}

// closedAbove returns the first directory on the way to path that lets neither the caller,
// as its owner, nor everybody pass; "" for none.
func closedAbove(path string) string {
	for i, c := range path {
		if c != '/' || i == 0 {
			continue
		}
		var st unix.Stat_t
		if err := unix.Stat(path[:i], &st); err == nil && st.Mode&0o001 == 0 && int(st.Uid) != os.Geteuid() {
			return path[:i]
		}
	}
	return ""
}

// explainIDMap says why the kernel didn't map the ids of the mounts of a source, and which
// of them are the reason.
func explainIDMap(d *ns.Diagnostic, e *stage.StepError, table []procfs.Mount) {
	var mounts []string
	mapped := false
	for _, place := range e.Unmapped {
		m := mountOf(table, place)
		mounts = append(mounts, m.String())
		mapped = mapped || m.Has("idmapped")
	}
	why := idMapCauses[e.Errno]
	if mapped && e.Errno == unix.EPERM {
		why = cause{"the ids of a mount can be mapped once, and are", "what it was made of as the source, or no :idmap"}
	}
	facts := slices.DeleteFunc([]string{why.detail, strings.Join(mounts, ", "), d.Detail}, func(s string) bool { return s == "" })
	d.Detail, d.Hint = strings.Join(facts, ": "), why.hint
}

// cause is what an errno means, and the way out.
type cause struct{ detail, hint string }

// idMapCauses says what the errors of mount_setattr(2) with MOUNT_ATTR_IDMAP mean.
var idMapCauses = map[syscall.Errno]cause{
	unix.EINVAL: {"the kernel can't map ids on this type of file system", "a source without such a file system, or no :idmap"},
	unix.EPERM: {"mapping ids needs CAP_SYS_ADMIN in the user namespace that the file system was mounted in",
		"run nsrun as root outside of the container, or chown the files instead of :idmap"},
	unix.EACCES: {"nsrun reaches the mounts by /proc/PID/fd of its child, which needs CAP_SYS_PTRACE", "run nsrun as root with that capability"},
	unix.ENOENT: {"nsrun reaches the mounts by /proc/PID/fd of its child, and there is no proc on /proc", "mount -t proc proc /proc"},
	unix.ENOSYS: {"the kernel, or a seccomp filter around nsrun, has no mount_setattr(2); Linux has it since 5.12", "no :idmap, and chown the files"},
}
