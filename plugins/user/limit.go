// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"strings"

	"github.com/nsrun/nsrun/ns"
	"github.com/nsrun/nsrun/nsplugin"
)

// limit is a setting of the host that forbids user namespaces. The kernel
// answers with an errno that doesn't name it: ENOSPC for the first, EPERM for
// the others.
type limit struct {
	file     string
	forbids  string // the value that forbids
	root     bool   // forbids it to root as well
	severity ns.Severity
	detail   string
	hint     string
}

// limits are the settings looked at before a namespace is asked for.
var limits = []limit{
	{
		file: "/proc/sys/user/max_user_namespaces", forbids: "0", root: true,
		detail: "user.max_user_namespaces is 0; namespaces(7)",
		hint:   "sysctl user.max_user_namespaces=10000, as root",
	},
	{
		file: "/proc/sys/kernel/unprivileged_userns_clone", forbids: "0",
		detail: "kernel.unprivileged_userns_clone is 0, a switch of Debian kernels",
		hint:   "sysctl kernel.unprivileged_userns_clone=1, as root",
	},
	{
		// Only a warning: a profile for the program may allow it all the same.
		file: "/proc/sys/kernel/apparmor_restrict_unprivileged_userns", forbids: "1", severity: ns.Warning,
		detail: "kernel.apparmor_restrict_unprivileged_userns is 1: AppArmor takes all capabilities inside from programs without a profile that says userns",
		hint:   "sysctl kernel.apparmor_restrict_unprivileged_userns=0, as root, or an AppArmor profile for nsrun",
	},
}

// blockers returns what on this host forbids the caller a user namespace.
func blockers(f ns.Facts) []ns.Diagnostic {
	var found []ns.Diagnostic
	for _, l := range limits {
		if (l.root || !f.Root()) && l.holds() {
			found = append(found, l.diagnostic())
		}
	}
	return found
}

// holds reports whether the host has the limit. A kernel without the file
// hasn't.
func (l *limit) holds() bool {
	value, err := os.ReadFile(l.file)
	return err == nil && strings.TrimSpace(string(value)) == l.forbids
}

func (l *limit) diagnostic() ns.Diagnostic {
	d := nsplugin.Errorf("new user namespace: not allowed on this host")
	if l.severity == ns.Warning {
		d = nsplugin.Warnf("new user namespace: may be of no use on this host")
	}
	return *d.WithDetail(l.detail).WithHint(l.hint)
}
