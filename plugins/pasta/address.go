// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/hex"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/nsrun/nsrun/nsplugin"
	"github.com/nsrun/nsrun/nsplugin/nsnet"
)

// prefix is the length of the network's prefix of an address that was given without:
// one as common for a small IPv4 network, and the one that pasta takes for IPv6.
func prefix(a nsnet.Address) int {
	switch {
	case a.Bits > 0:
		return a.Bits
	case a.Is4():
		return 24
	}
	return 64
}

// checkAddresses returns an error for each address that pasta can't give.
func checkAddresses(all []nsnet.Address) error {
	var errs []error
	for i, a := range all {
		same := func(b nsnet.Address) bool { return a.Is4() == b.Is4() }
		switch bits := prefix(a); {
		case slices.ContainsFunc(all[:i], same):
			errs = append(errs, nsplugin.Errorf("%s %s: a second address of its family, where pasta gives one", a.Option, a).WithOption(a.Option))
		case a.Is6() && bits != 64:
			errs = append(errs, nsplugin.Errorf("%s %s: pasta knows IPv6 networks of 64 bits only", a.Option, a).WithOption(a.Option).
				WithHint("--"+a.Option+" "+a.Addr.String()))
		case a.Is4() && (bits < 8 || bits > 30):
			errs = append(errs, nsplugin.Errorf("%s %s: a network of 8 to 30 bits is needed, which has room for a gateway", a.Option, a).WithOption(a.Option))
		}
	}
	return errors.Join(errs...)
}

// addressArguments give the sandbox an address, and a gateway on its network, which
// no machine needs to have: pasta answers for it.
func addressArguments(a nsnet.Address) []string {
	args := []string{"--address", a.Addr.String(), "--gateway", gateway(a).String()}
	if a.Is4() {
		args = append(args, "--netmask", strconv.Itoa(prefix(a)))
	}
	return args
}

// gateway returns the first address of a's network that isn't a itself.
func gateway(a nsnet.Address) netip.Addr {
	first := netip.PrefixFrom(a.Addr, prefix(a)).Masked().Addr().Next()
	if first == a.Addr {
		return first.Next()
	}
	return first
}

// addressesOf returns the addresses of the network namespace of a process, its
// loopback's left out: what pasta took over from the host. It reads them from
// proc(5), since an ordinary user's program in Go can't enter the namespace.
func addressesOf(pid int) []netip.Addr {
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
