// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"strings"

	nft "github.com/google/nftables"
	"github.com/google/nftables/userdata"
)

// cniTables are the nftables tables of the reference plugins bridge, ptp and
// portmap. Like the bridge they are shared and stay; rules belong to one run,
// whose id is in the comment.
var cniTables = map[string]bool{"cni_plugins_masquerade": true, "cni_hostport": true}

// sweepNFTables removes the run's rules that DEL has left.
func sweepNFTables(runID string) error {
	conn, err := nft.New()
	if err != nil {
		return nil // without nf_tables in the kernel there is no rule either
	}
	chains, err := conn.ListChains()
	if err != nil {
		return nil
	}
	left := 0
	for _, chain := range chains {
		if !cniTables[chain.Table.Name] {
			continue
		}
		rules, err := conn.GetRules(chain.Table, chain)
		if err != nil {
			return fmt.Errorf("list rules of nftables chain %s %s: %w", chain.Table.Name, chain.Name, err)
		}
		for _, rule := range rules {
			if belongsTo(rule, runID) {
				left++
				err = errors.Join(err, conn.DelRule(rule))
			}
		}
		if err != nil {
			return fmt.Errorf("delete nftables rule of run %s: %w", runID, err)
		}
	}
	if left == 0 {
		return nil
	}
	if err := conn.Flush(); err != nil {
		return fmt.Errorf("delete %d nftables rules of run %s: %w", left, runID, err)
	}
	return nil
}

// belongsTo reports whether the rule's comment names the run: portmap has just
// the id, and bridge "HASH, net: NETWORK, if: INTERFACE, id: ID".
func belongsTo(rule *nft.Rule, runID string) bool {
	comment, ok := userdata.GetString(rule.UserData, userdata.TypeComment)
	comment = strings.TrimRight(comment, "\x00")
	return ok && (comment == runID || strings.HasSuffix(comment, ", id: "+runID))
}
