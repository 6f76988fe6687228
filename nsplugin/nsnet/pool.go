// SPDX-License-Identifier: Apache-2.0

package nsnet

import (
	"fmt"
	"net/netip"

	"github.com/nsrun/nsrun/ns"
	"github.com/nsrun/nsrun/nsplugin"
)

// Pool is what is given out of one subnet of a network.
type Pool struct {
	// Network is the network's name. Required.
	Network string
	// Subnet has the addresses. Required.
	Subnet netip.Prefix
	// Size is how many addresses are given out; 0 for all of the subnet that sandboxes
	// can have.
	Size int
	// Holders are the ids of the runs that have leased one, once for each address.
	Holders []string
	// Living says whether a run lives; nil asks for root's runs, who have the pools on the
	// host.
	Living func(runID string) bool
}

// Finding says how much is leased, and how many of the leases belong to runs that
// live: a warning if some don't, an error if no address is left.
func (p Pool) Finding() *ns.Diagnostic {
	leased, held := len(p.Holders), 0
	for _, id := range p.Holders {
		if p.lives(id) {
			held++
		}
	}
	d := nsplugin.Noticef("network %s: %d of %s addresses of %s are leased, %d by living runs", p.Network, leased, p.sizeText(), p.Subnet, held)
	if held < leased {
		d.Severity, d.Hint = ns.Warning, "nsctl gc gives back those of killed runs"
	}
	if size, known := p.size(); known && leased >= size {
		d.Severity = ns.Error
		d.Hint = "end other runs, or nsctl gc for those that were killed; a larger network"
	}
	return d
}

// rootsRuns is where root's runs have their directories.
const rootsRuns = "/run/nsrun/runs"

func (p Pool) lives(runID string) bool {
	if p.Living == nil {
		return alive(rootsRuns, runID)
	}
	return p.Living(runID)
}

// mostBits bounds what is counted; more is as good as endless.
const mostBits = 32

// size is how many sandboxes the subnet has addresses for: its own, the gateway's and
// in IPv4 the broadcast address are none.
func (p Pool) size() (n int, known bool) {
	if p.Size > 0 {
		return p.Size, true
	}
	bits := p.Subnet.Addr().BitLen() - p.Subnet.Bits()
	if bits > mostBits {
		return 0, false
	}
	if p.Subnet.Addr().Is4() {
		return max(1<<bits-3, 0), true
	}
	return max(1<<bits-2, 0), true
}

func (p Pool) sizeText() string {
	if n, known := p.size(); known {
		return fmt.Sprint(n)
	}
	return fmt.Sprintf("2^%d", p.Subnet.Addr().BitLen()-p.Subnet.Bits())
}
