// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"

	"github.com/nsrun/nsrun/nsplugin"
	"github.com/nsrun/nsrun/nsplugin/nsnet"
)

// addressTexts are addresses as the CNI capability ips takes them.
func addressTexts(addresses []nsnet.Address) []string {
	texts := make([]string, len(addresses))
	for i, a := range addresses {
		texts[i] = a.String()
	}
	return texts
}

// shape is what the CNI capability bandwidth takes: rates in bits per second, bursts
// in bits. Ingress is what the sandbox receives.
type shape struct {
	IngressRate  uint64 `json:"ingressRate,omitempty"`
	IngressBurst uint64 `json:"ingressBurst,omitempty"`
	EgressRate   uint64 `json:"egressRate,omitempty"`
	EgressBurst  uint64 `json:"egressBurst,omitempty"`
}

func shapeOf(b nsnet.Bandwidth) shape {
	return shape{b.In, burstBits(b.In), b.Out, burstBits(b.Out)}
}

// burstBits is the burst at a rate; none without a rate, since the CNI plugin
// refuses one without the other.
func burstBits(rate uint64) uint64 {
	if rate == 0 {
		return 0
	}
	return uint64(nsnet.Burst(rate)) * 8
}

// setMTU reads --mtu, which only nsrun's own bridge can be told.
func (w *wish) setMTU(n *network) error {
	if n.Network != "" && n.MTU != 0 {
		return nsplugin.Errorf("mtu %d: network %s has an MTU of its own", n.MTU, n.Network).
			WithOption("mtu").WithHint(fmt.Sprintf(`"mtu": %d in the conflist`, n.MTU))
	}
	if w.own == nil {
		return nil
	}
	var err error
	w.own.mtu, err = n.Bytes(w.own.subnets.Speaks(false))
	return err
}
