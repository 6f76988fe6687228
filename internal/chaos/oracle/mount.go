// SPDX-License-Identifier: Apache-2.0

package oracle

import (
	"os"
	"strings"
)

// mounts returns what is mounted in the mount namespace: file system, source,
// root and place; proc_pid_mountinfo(5). Named and pinned namespaces are among
// them, as file systems of type nsfs.
func mounts(Scope) ([]Thing, error) {
	text, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return nil, err
	}
	var list []Thing
	for line := range strings.Lines(string(text)) {
		before, after, _ := strings.Cut(line, " - ")
		left, right := strings.Fields(before), strings.Fields(after)
		if len(left) > 4 && len(right) > 1 {
			list = append(list, Thing{Mount, strings.Join([]string{right[0], right[1], left[3], left[4]}, " ")})
		}
	}
	return list, nil
}

// names returns the host's names and those settings that a network changes.
func names(Scope) ([]Thing, error) {
	var list []Thing
	for _, key := range []string{
		"kernel/hostname", "kernel/domainname", "net/ipv4/ip_forward", "net/ipv6/conf/all/forwarding",
	} {
		text, err := os.ReadFile("/proc/sys/" + key)
		if err != nil && !os.IsNotExist(err) {
			return nil, err
		}
		list = append(list, Thing{Name, key + "=" + strings.TrimSpace(string(text))})
	}
	return list, nil
}
