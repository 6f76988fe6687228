// SPDX-License-Identifier: Apache-2.0

package nsnet

import (
	"github.com/nsrun/nsrun/ns"
	"github.com/nsrun/nsrun/nsplugin"
)

// NewOffer returns what every backend offers that attaches the sandbox by hooks: the
// namespace, its loopback interface, and both hooks.
func NewOffer() *ns.Offer {
	return &ns.Offer{
		Kinds: []ns.Kind{ns.Net},
		Steps: []ns.Step{nsplugin.LinkUp("lo")},
		Hooks: []ns.Point{ns.PreExec, ns.PostExec},
	}
}
