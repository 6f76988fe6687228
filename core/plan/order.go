// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"slices"

	"github.com/nsrun/nsrun/ns"
)

// turn is a place in the order in which steps are carried out.
type turn int

// The order of steps, and why.
const (
	// Steps that touch no file system can't disturb the others.
	turnPlain turn = iota
	// Until propagation is private, a mount would show on the host.
	turnPropagation
	// Targets are resolved below the root, so it comes before them.
	turnRootfs
	// The owner of the mount namespace lays out the tree first ...
	turnMount
	// ... then others mount over it, as /etc/resolv.conf over a bound /etc.
	turnOthers
	// From here on, sources on the host are out of reach.
	turnPivot
	// Steps that need the final root.
	turnInside
	// What restricts the command comes last, each where it can't yet forbid
	// what comes after it.
	turnRlimit
	turnCaps
	turnLandlock
	turnSeccomp
)

// confining holds the turns of steps that restrict the command's process.
var confining = map[ns.Op]turn{
	ns.OpRlimit: turnRlimit, ns.OpCaps: turnCaps, ns.OpLandlock: turnLandlock,
	ns.OpLandlockPath: turnLandlock, ns.OpLandlockPort: turnLandlock, ns.OpSeccomp: turnSeccomp,
}

// orderSteps sorts the plan's steps into their turns. Within a turn they keep
// their order: plugins by rank, and each plugin's steps as it gave them.
func orderSteps(p *ns.Plan) {
	mountOwner := p.Owner(ns.Mount)
	slices.SortStableFunc(p.Steps, func(a, b ns.PlannedStep) int {
		return int(turnOf(a, mountOwner)) - int(turnOf(b, mountOwner))
	})
}

func turnOf(s ns.PlannedStep, mountOwner string) turn {
	switch kind, _ := need(s.Step); {
	case s.Op.Confines():
		return confining[s.Op]
	case kind != ns.Mount:
		return turnPlain
	case s.Op == ns.OpPropagation:
		return turnPropagation
	case s.Op == ns.OpRootfs:
		return turnRootfs
	case s.Op == ns.OpPivot:
		return turnPivot
	case s.Phase == ns.Inside:
		return turnInside
	case s.Plugin == mountOwner:
		return turnMount
	}
	return turnOthers
}
