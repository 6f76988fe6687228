// SPDX-License-Identifier: Apache-2.0

// Package firewall tells network backends with a bridge what the firewall of this
// host does to the packets of sandboxes. It reads the kernel's rules by nftables,
// which is also how rules of iptables-nft(8) appear, and changes none.
package firewall

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	nft "github.com/google/nftables"
	"github.com/google/nftables/expr"

	"github.com/nsrun/nsrun/ns"
	"github.com/nsrun/nsrun/nsplugin"
)

// ForwardWarning warns of a firewall that keeps the sandboxes on the bridge device
// from everything but the host and each other. It returns nil if there is none, or
// if that can't be found out.
func ForwardWarning(device string) []ns.Diagnostic {
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
			if comparesInterface(conn, r, device) {
				return true
			}
		}
	}
	return false
}

// comparesInterface reports whether the rule asks for packets from or to device.
func comparesInterface(conn *nft.Conn, r *nft.Rule, device string) bool {
	loaded := false // the name of an interface is what the next expression looks at
	for _, e := range r.Exprs {
		switch e := e.(type) {
		case *expr.Meta:
			loaded = e.Key == expr.MetaKeyIIFNAME || e.Key == expr.MetaKeyOIFNAME
			continue
		case *expr.Cmp:
			if loaded && matches(e.Data, device) {
				return true
			}
		case *expr.Lookup:
			if loaded && inSet(conn, &nft.Set{Table: r.Table, Name: e.SetName}, device) {
				return true
			}
		}
		loaded = false
	}
	return false
}

// matches reports whether name, as rules hold it, stands for device: a name without
// its NUL is the beginning of names, "nsrun*".
func matches(name []byte, device string) bool {
	whole, isWhole := bytes.CutSuffix(name, []byte{0})
	if isWhole {
		return string(bytes.TrimRight(whole, "\x00")) == device
	}
	return strings.HasPrefix(device, string(name))
}

func inSet(conn *nft.Conn, set *nft.Set, device string) bool {
	elements, err := conn.GetSetElements(set)
	if err != nil {
		return true // can't tell, so don't warn
	}
	return slices.ContainsFunc(elements, func(e nft.SetElement) bool { return matches(e.Key, device) })
}
