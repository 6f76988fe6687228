// SPDX-License-Identifier: Apache-2.0

package nsnet

import (
	"crypto/rand"
	"net"
)

// RandomMAC returns a hardware address for one interface that no maker gives out: the
// second bit of the first byte says that it is locally administered, and the first that
// it is no group's; IEEE 802, "Universally or locally administered".
func RandomMAC() net.HardwareAddr {
	mac := make(net.HardwareAddr, 6)
	_, _ = rand.Read(mac) // never fails
	mac[0] = mac[0]&^1 | 2
	return mac
}
