// SPDX-License-Identifier: Apache-2.0

package bridge

import (
	"net/netip"
	"slices"

	nft "github.com/google/nftables"

	"github.com/nsrun/nsrun/nsplugin/nsnet"
)

// Way is where packets of a sandbox may turn to the host's loopback; both addresses are
// IPv4's.
type Way struct {
	// From is the sandbox's address, Host that of the host which it sends to. Required.
	From netip.Addr `json:"from"`
	Host netip.Addr `json:"host"`
}

// elements returns the elements of the map loopback that lead ports of Host to their
// HostIP and HostPort.
func (y Way) elements(ports []nsnet.Mapping) (all []nft.SetElement) {
	for _, m := range ports {
		all = append(all, nft.SetElement{
			Key: slices.Concat(y.From.AsSlice(), y.Host.AsSlice(), []byte{protocols[m.Protocol], 0, 0, 0}, port(m.Port)),
			Val: append(m.HostIP.AsSlice(), port(m.HostPort)...),
		})
	}
	return all
}
