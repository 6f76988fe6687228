// SPDX-License-Identifier: Apache-2.0

package nsnet

import (
	"maps"
	"net/netip"
	"strings"
)

// Interface is the sandbox's interface: the same with every backend, and what people
// expect to see.
const Interface = "eth0"

// Results returns what a hook found out, for `nsctl inspect`, without what is empty.
func Results(all map[string]string) map[string]string {
	maps.DeleteFunc(all, func(_, value string) bool { return value == "" })
	return all
}

// AddressesText lists addresses, for the results of a hook.
func AddressesText(all []netip.Addr) string {
	texts := make([]string, len(all))
	for i, a := range all {
		texts[i] = a.String()
	}
	return strings.Join(texts, " ")
}
