// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"net/netip"
	"slices"
	"strconv"

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
