// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"time"

	"github.com/nsrun/nsrun/ns"
	"github.com/nsrun/nsrun/nsplugin"
)

// clocks is the plugin, with its options.
type clocks struct {
	Monotonic time.Duration `option:"monotonic" args:"OFFSET" help:"set CLOCK_MONOTONIC ahead by OFFSET, or behind: 24h, -90s"`
	Boottime  time.Duration `option:"boottime" args:"OFFSET" help:"set CLOCK_BOOTTIME, and so the uptime, ahead by OFFSET, or behind"`
}

// Describe returns what the plugin says of itself.
func (*clocks) Describe() nsplugin.Info {
	return nsplugin.Info{
		Name:    "time",
		Version: "0.1.0",
		Summary: "clocks of its own: the monotonic one and the time since boot",
		Kinds:   []ns.Kind{ns.Time},
	}
}

// Negotiate offers the namespace and the clocks that are set off.
func (c *clocks) Negotiate(_ context.Context, req *ns.Request) (*ns.Offer, error) {
	offer := &ns.Offer{Kinds: req.Owns, Freshness: &ns.Freshness{}}
	if c.Monotonic != 0 {
		offer.Steps = append(offer.Steps, nsplugin.TimeOffset("monotonic", c.Monotonic))
	}
	if c.Boottime != 0 {
		offer.Steps = append(offer.Steps, nsplugin.TimeOffset("boottime", c.Boottime))
	}
	return offer, nil
}
