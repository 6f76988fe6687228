// SPDX-License-Identifier: Apache-2.0

package core

import (
	"time"

	"github.com/nsrun/nsrun/core/find"
	"github.com/nsrun/nsrun/ns"
)

// round is one round of a negotiation.
type round struct {
	begin    time.Time
	members  []*Member
	requests []*ns.Request
	offers   []*ns.Offer
	asked    []bool // which members were asked, since their offers weren't kept
}

func (s *Session) newRound(members []*Member, kinds []ns.Kind) *round {
	r := &round{begin: time.Now(), members: members, requests: make([]*ns.Request, len(members)),
		offers: make([]*ns.Offer, len(members)), asked: make([]bool, len(members))}
	for i, m := range members {
		r.requests[i] = s.request(m, kinds)
	}
	return r
}

// alone returns what is about member i.
func (r *round) alone(i int) *round {
	return &round{begin: r.begin, members: r.members[i : i+1], requests: r.requests[i : i+1],
		offers: r.offers[i : i+1], asked: r.asked[i : i+1]}
}

// offersKey finds offers in the cache: those of a whole run, or one plugin's.
type offersKey struct {
	Negotiate int           `json:"negotiate"`
	Plugins   []find.Plugin `json:"plugins"`
	Requests  []*ns.Request `json:"requests"`
}

func (r *round) key() offersKey {
	return offersKey{Negotiate: ns.PlanVersion, Plugins: pluginsOf(r.members), Requests: r.requests}
}

// valid reports whether offers from the cache are such as these members could
// have made: the cache is input like any other.
func (r *round) valid(offers []*ns.Offer) bool {
	if len(offers) != len(r.members) {
		return false
	}
	for i, offer := range offers {
		if offer == nil || len(problems("", ns.CheckOffer(r.members[i].Descriptor, r.requests[i], offer))) > 0 {
			return false
		}
	}
	return true
}
