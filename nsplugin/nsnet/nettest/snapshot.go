// SPDX-License-Identifier: Apache-2.0

package nettest

import (
	"fmt"
	"io/fs"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// varying are the parts of a snapshot that differ without anything being left.
var varying = regexp.MustCompile(`(?m)^ *[#:].*$|counter packets \d+ bytes \d+|qlen \d+|master \S+ |state \S+| linkdown|^\d+: | link/.*$|<.*>`)

// Snapshot is all that a run could leave on the host. The tables and chains that
// the reference plugins share between runs are in it, and so is the bridge.
func (h *Host) Snapshot() string {
	h.T.Helper()
	var b strings.Builder
	fmt.Fprintln(&b, h.Run("ip", "-o", "link"), h.Run("ip", "-4", "-o", "route", "show", "table", "all"), h.Run("ip", "-4", "-o", "addr"))
	fmt.Fprintln(&b, h.Run("nft", "list", "ruleset"), h.Run("iptables-save", "-t", "nat"), h.Run("ip6tables-save", "-t", "nat"))
	for _, dir := range []string{"/run/nsrun", "/var/lib/cni"} {
		filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err == nil && !d.IsDir() && !strings.HasPrefix(d.Name(), "last_reserved_ip") && d.Name() != "lock" {
				fmt.Fprintln(&b, path)
			}
			return nil
		})
	}
	return strings.Join(slices.DeleteFunc(strings.Split(varying.ReplaceAllString(b.String(), ""), "\n"), func(line string) bool { return strings.TrimSpace(line) == "" }), "\n")
}

// Lacks fails the test if the host's snapshot mentions one of the words, which
// are regular expressions.
func (h *Host) Lacks(words ...string) {
	h.T.Helper()
	snapshot := h.Snapshot()
	for _, w := range words {
		if regexp.MustCompile(`\b(` + w + `)\b`).MatchString(snapshot) {
			h.T.Errorf("%q is left on the host:\n%s", w, snapshot)
		}
	}
}
