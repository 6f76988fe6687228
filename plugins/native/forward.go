// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"fmt"

	nft "github.com/google/nftables"
	"github.com/google/nftables/expr"

	"github.com/nsrun/nsrun/ns"
	"github.com/nsrun/nsrun/nsplugin"
)

// forwardWarning warns of a firewall that keeps the sandboxes from everything but
// the host and each other.
func forwardWarning(device string) []ns.Diagnostic {
	table := dropsForwarded(device)
	if table == "" {
		return nil
	}
	const fix = "iptables -I FORWARD -i %[1]s -j ACCEPT; iptables -I FORWARD -o %[1]s -j ACCEPT"
	return []ns.Diagnostic{*nsplugin.Warnf("a firewall of this host drops what sandboxes send to other networks").
		WithDetail("the policy of forward in " + table + " is drop, and no rule names " + device).
		WithHint(fmt.Sprintf(fix, device))}
}

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
		if isDropping(c) && !names(conn, c.Table, chains, device) {
			return c.Table.Name
		}
	}
	return ""
}

func isDropping(c *nft.Chain) bool {
	forwards := c.Hooknum != nil && *c.Hooknum == *nft.ChainHookForward && c.Policy != nil && *c.Policy == nft.ChainPolicyDrop
	return forwards && (c.Table.Family == nft.TableFamilyIPv4 || c.Table.Family == nft.TableFamilyINet)
}

// names reports whether a rule of the table compares an interface with device.
func names(conn *nft.Conn, table *nft.Table, chains []*nft.Chain, device string) bool {
	for _, c := range chains {
		if c.Table.Name != table.Name || c.Table.Family != table.Family {
			continue
		}
		rules, err := conn.GetRules(c.Table, c)
		if err != nil {
			return true // can't tell, so don't warn
		}
		for _, r := range rules {
			if compares(r, device) {
				return true
			}
		}
	}
	return false
}

func compares(r *nft.Rule, device string) bool {
	for _, e := range r.Exprs {
		if c, ok := e.(*expr.Cmp); ok && string(bytes.TrimRight(c.Data, "\x00")) == device {
			return true
		}
	}
	return false
}
