// SPDX-License-Identifier: Apache-2.0

package core

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/nsrun/nsrun/core/stage"
	"github.com/nsrun/nsrun/ns"
	"golang.org/x/sys/unix"
)

// mountInfo is a line of proc_pid_mountinfo(5).
type mountInfo struct{ point, fsType, options string }

// mountTable returns the caller's mounts, in the order in which they were made.
func mountTable() (table []mountInfo) {
	text, _ := os.ReadFile("/proc/self/mountinfo")
	return parseMountTable(string(text))
}

func parseMountTable(text string) (table []mountInfo) {
	for line := range strings.Lines(text) {
		before, after, _ := strings.Cut(line, " - ")
		f, g := strings.Fields(before), strings.Fields(after)
		if len(f) > 5 && len(g) > 0 {
			table = append(table, mountInfo{unescape.Replace(f[4]), g[0], f[5]})
		}
	}
	return table
}

// unescape undoes what proc(5) does to names.
var unescape = strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`)

// mountOf returns the mount that path lies on: the last made among those whose
// point is the deepest above it.
func mountOf(table []mountInfo, path string) (found mountInfo) {
	for _, m := range table {
		above := m.point == "/" || path == m.point || strings.HasPrefix(path, m.point+"/")
		if above && len(m.point) >= len(found.point) {
			found = m
		}
	}
	return found
}

// String returns the mount in words: where, of what type, with what flags.
func (m mountInfo) String() string { return fmt.Sprintf("%s (%s, %s)", m.point, m.fsType, m.options) }

// locked are the flags of a mount that a user namespace may not clear in a copy of it,
// mount_namespaces(7), "Restrictions on mount namespaces".
var locked = []string{"ro", "nosuid", "nodev", "noexec", "noatime", "nodiratime", "relatime"}

// lockedFlags returns those that m has.
func (m mountInfo) lockedFlags() (flags []string) {
	for _, flag := range locked {
		if strings.Contains(","+m.options+",", ","+flag+",") {
			flags = append(flags, flag)
		}
	}
	return flags
}

// explainMount adds what the errno of a mount step doesn't tell: the call with its flags,
// where links lead, and the mounts that source and target lie on.
func explainMount(d *ns.Diagnostic, e *stage.StepError, table []mountInfo, inUserNS bool) {
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
		if flags := on.lockedFlags(); inUserNS && e.Errno == unix.EPERM && len(flags) > 0 {
			facts = append(facts, "its "+strings.Join(flags, ",")+" can't be taken off in a user namespace")
		}
	}
	if e.Step.Target != "" {
		facts = append(facts, "the target is below the caller's mount "+mountOf(table, e.Step.Target).String())
	}
	d.Detail = strings.Join(facts, "; ")
}
