// SPDX-License-Identifier: Apache-2.0

package nsnet

import "github.com/nsrun/nsrun/nsplugin"

// MTUOption is the option --mtu.
type MTUOption struct {
	MTU int `option:"mtu" args:"BYTES" help:"largest packet of the sandbox's interface"`
}

// The smallest MTUs that the protocols allow: RFC 791 and RFC 8200.
const (
	minMTU  = 68
	minMTU6 = 1280
	maxMTU  = 65535
)

// Bytes reads the option: 0 if it wasn't given. ipv6 says whether the sandbox is to
// have IPv6, which needs a larger one.
func (o MTUOption) Bytes(ipv6 bool) (int, error) {
	least := minMTU
	if ipv6 {
		least = minMTU6
	}
	if o.MTU != 0 && (o.MTU < least || o.MTU > maxMTU) {
		return 0, nsplugin.Errorf("mtu %d: must be %d to %d", o.MTU, least, maxMTU).WithOption("mtu")
	}
	return o.MTU, nil
}
