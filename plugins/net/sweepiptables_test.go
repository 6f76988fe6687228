// SPDX-License-Identifier: Apache-2.0

package main

import (
	"strings"
	"testing"
)

func TestUndoChains(t *testing.T) {
	chains := chainsOf("nsrun", "one")
	others := chainsOf("nsrun", "two")
	saved := strings.NewReplacer("MASQ", chains[0], "DNAT1", chains[1], "OTHER", others[0]).Replace(`*nat
:PREROUTING ACCEPT [0:0]
:MASQ - [0:0]
:DNAT1 - [0:0]
:OTHER - [0:0]
-A PREROUTING -m addrtype --dst-type LOCAL -j CNI-HOSTPORT-DNAT
-A POSTROUTING -s 10.177.0.2/32 -m comment --comment "name: \"nsrun\" id: \"one\"" -j MASQ
-A POSTROUTING -s 10.177.0.3/32 -m comment --comment "name: \"nsrun\" id: \"two\"" -j OTHER
-A MASQ -d 10.177.0.0/16 -m comment --comment "name: \"nsrun\" id: \"one\"" -j ACCEPT
-A CNI-HOSTPORT-DNAT -p tcp -m comment --comment "dnat name: \"nsrun\" id: \"one\"" -m multiport --dports 8080 -j DNAT1
-A DNAT1 -s 10.177.0.0/16 -p tcp -m tcp --dport 8080 -j CNI-HOSTPORT-SETMARK
COMMIT
`)
	want := strings.NewReplacer("MASQ", chains[0], "DNAT1", chains[1]).Replace(`*nat
-D POSTROUTING -s 10.177.0.2/32 -m comment --comment "name: \"nsrun\" id: \"one\"" -j MASQ
-D CNI-HOSTPORT-DNAT -p tcp -m comment --comment "dnat name: \"nsrun\" id: \"one\"" -m multiport --dports 8080 -j DNAT1
-F MASQ
-X MASQ
-F DNAT1
-X DNAT1
COMMIT
`)
	if got := undoChains(saved, chains); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if got := undoChains(saved, chainsOf("nsrun", "three")); got != "" {
		t.Errorf("chains of another run: %s", got)
	}
}
