// SPDX-License-Identifier: Apache-2.0

package nsnet

import (
	"encoding/hex"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"strings"
)

// AddressesOf returns the addresses of the network namespace of a process, its
// loopback's left out; none if there is no such process. It reads them from
// proc(5), since an ordinary user's program in Go can't enter the namespace.
func AddressesOf(pid int) []netip.Addr {
	dir := fmt.Sprintf("/proc/%d/net/", pid)
	v4, _ := os.ReadFile(dir + "fib_trie")
	v6, _ := os.ReadFile(dir + "if_inet6")
	return slices.Concat(localIPv4(string(v4)), globalIPv6(string(v6)))
}

// localIPv4 returns the addresses in fib_trie, where each stands in a line above
// the one that says that it is local:
//
//	|-- 192.0.2.2
//	   /32 host LOCAL
func localIPv4(trie string) []netip.Addr {
	var found []netip.Addr
	var last netip.Addr
	for line := range strings.Lines(trie) {
		line = strings.TrimSpace(line)
		if text, ok := strings.CutPrefix(line, "|-- "); ok {
			last, _ = netip.ParseAddr(text)
			continue
		}
		if line == "/32 host LOCAL" && last.IsValid() && !last.IsLoopback() && !slices.Contains(found, last) {
			found = append(found, last)
		}
	}
	return found
}

// globalIPv6 returns the addresses in if_inet6 that others can use: each line has
// the address, the interface, the length of its prefix and its scope, all in hex.
func globalIPv6(table string) []netip.Addr {
	const globalScope = "00"
	var found []netip.Addr
	for line := range strings.Lines(table) {
		fields := strings.Fields(line)
		if len(fields) < 4 || fields[3] != globalScope {
			continue
		}
		raw, _ := hex.DecodeString(fields[0])
		if a, ok := netip.AddrFromSlice(raw); ok {
			found = append(found, a)
		}
	}
	return found
}
