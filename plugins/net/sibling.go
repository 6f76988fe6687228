// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"net"
	"os/exec"

	current "github.com/containernetworking/cni/pkg/types/100"
)

// openToSiblings lets other sandboxes on nsrun's own bridge use the ports that
// this one publishes. Such a packet goes to the host, which sends it back to the
// bridge with another destination; unless its source is changed too, the answer
// goes straight to the other sandbox, which doesn't know whom it is from.
// portmap does that with iptables, but with nftables for the sandbox itself only.
//
// The rule goes into portmap's chain under portmap's comment, so that portmap's
// DEL removes it.
func (w *wish) openToSiblings(ctx context.Context, runID string, result *current.Result) error {
	if w.own == nil || w.own.backend != nftables || len(w.ports) == 0 {
		return nil
	}
	nft, err := lookSystem(nftables.command())
	if err != nil {
		return err
	}
	for _, ip := range result.IPs {
		if _, err := system(exec.CommandContext(ctx, nft, siblingRule(ip.Address, runID)...)); err != nil {
			return fmt.Errorf("publish to other sandboxes: nft add rule: %w", err)
		}
	}
	return nil
}

// siblingRule returns nft(8)'s arguments for the sandbox with the given address
// and network.
func siblingRule(address net.IPNet, runID string) []string {
	family, ip := "ip", address.IP.To4()
	if ip == nil {
		family, ip = "ip6", address.IP
	}
	subnet := net.IPNet{IP: ip.Mask(address.Mask), Mask: address.Mask}
	return []string{
		"add", "rule", family, "cni_hostport", "masquerading",
		family, "saddr", subnet.String(), family, "daddr", ip.String(), "ct", "status", "dnat", "masquerade",
		"comment", `"` + runID + `"`,
	}
}
