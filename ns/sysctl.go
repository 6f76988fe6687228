// SPDX-License-Identifier: Apache-2.0

package ns

import "strings"

// sysctls lists the key prefixes that are private to a kind of namespace; see
// namespaces(7) and the kernel's Documentation/admin-guide/sysctl.
var sysctls = []struct {
	prefix string
	kind   Kind
}{
	{"net.", Net},
	{"kernel.msg", IPC}, {"kernel.sem", IPC}, {"kernel.shm", IPC}, {"fs.mqueue.", IPC},
	{"kernel.hostname", UTS}, {"kernel.domainname", UTS},
}

// SysctlKind returns the kind of namespace that key (with dots) belongs to, and
// false for a key that is the whole host's.
func SysctlKind(key string) (Kind, bool) {
	if strings.ContainsAny(key, "/\x00") || strings.Contains(key, "..") {
		return "", false
	}
	for _, s := range sysctls {
		if strings.HasPrefix(key, s.prefix) {
			return s.kind, true
		}
	}
	return "", false
}
