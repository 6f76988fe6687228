// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os/exec"
	"strings"

	nft "github.com/google/nftables"
)

// dropsForwarded returns the table of a firewall that drops forwarded packets by
// default and has no rule for device, or "". Docker and many firewalls make one.
// It is also how rules of iptables-nft(8) appear to the kernel.
func dropsForwarded(device string) string {
	conn, err := nft.New()
	if err != nil {
		return ""
	}
	chains, err := conn.ListChains()
	if err != nil {
		return ""
	}
	for _, c := range chains {
		if c.Hooknum == nil || *c.Hooknum != *nft.ChainHookForward || c.Policy == nil || *c.Policy != nft.ChainPolicyDrop {
			continue
		}
		if c.Table.Family == nft.TableFamilyIPv4 || c.Table.Family == nft.TableFamilyINet {
			if !tableNames(c.Table.Name, device) {
				return c.Table.Name
			}
		}
	}
	return ""
}

// tableNames reports whether a rule in the table names device. The device stands
// in the rules in a form that only nft prints.
func tableNames(table, device string) bool {
	path, err := lookSystem("nft")
	if err != nil {
		return true // can't tell, so don't warn
	}
	for _, family := range []string{"ip", "inet"} {
		if rules, err := system(exec.Command(path, "list", "table", family, table)); err == nil && strings.Contains(rules, `"`+device+`"`) {
			return true
		}
	}
	return false
}
