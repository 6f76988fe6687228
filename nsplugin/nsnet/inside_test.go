// SPDX-License-Identifier: Apache-2.0

package nsnet

import (
	"net/netip"
	"testing"
)

func TestAddresses(t *testing.T) {
	const trie = `Main:
  +-- 0.0.0.0/0 3 0 5
     |-- 0.0.0.0
        /0 universe UNICAST
     |-- 192.0.2.0
        /24 link UNICAST
Local:
     |-- 127.0.0.1
        /32 host LOCAL
     |-- 192.0.2.2
        /32 host LOCAL
     |-- 192.0.2.255
        /32 link BROADCAST
     |-- 192.0.2.2
        /32 host LOCAL
`
	const table = `fd000077000000000000000000000002 02 40 00 82      eth0
00000000000000000000000000000001 01 80 10 80       lo
fe800000000000002ce701fffec9e4d8 02 40 20 c0      eth0
`
	if got := localIPv4(trie); len(got) != 1 || got[0] != netip.MustParseAddr("192.0.2.2") {
		t.Errorf("IPv4: %v", got)
	}
	if got := globalIPv6(table); len(got) != 1 || got[0] != netip.MustParseAddr("fd00:77::2") {
		t.Errorf("IPv6: %v", got)
	}
	if got := AddressesOf(0); got != nil {
		t.Errorf("of no process: %v", got)
	}
}
