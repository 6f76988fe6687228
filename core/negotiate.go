// SPDX-License-Identifier: Apache-2.0

package core

import (
	"context"
	"slices"

	"github.com/nsrun/nsrun/core/cache"
	"github.com/nsrun/nsrun/core/plan"
	"github.com/nsrun/nsrun/ns"
)

// maxRounds bounds negotiation: each round can only change which kinds the run
// has, so plugins that never agree are at fault.
const maxRounds = 3

// Negotiate asks all members for their offers and merges them into a plan. If
// they refuse and there are dead runs to collect, whose leftovers can be the
// reason (a published port, say), it collects them and asks once more.
func (s *Session) Negotiate(ctx context.Context, inv *Invocation) (*ns.Plan, error) {
	defer s.Timings.Begin("negotiate")()
	p, err := s.negotiate(ctx, inv)
	if err != nil && s.collect(ctx) > 0 {
		p, err = s.negotiate(ctx, inv)
	}
	if err != nil {
		return nil, err
	}
	return p, s.review(ctx, inv, p)
}

// negotiate repeats the question while the answers change which kinds the run has.
func (s *Session) negotiate(ctx context.Context, inv *Invocation) (*ns.Plan, error) {
	kinds := ownedKinds(inv.Members)
	for range maxRounds {
		parts, err := s.offers(ctx, inv.Members, kinds)
		if err != nil {
			return nil, err
		}
		offered := offeredKinds(parts)
		if slices.Equal(offered, kinds) {
			s.tellAdded(inv)
			return s.merge(parts)
		}
		kinds = offered
	}
	return nil, &ns.Diagnostic{Summary: "the plugins don't agree on the kinds of namespaces within three rounds",
		Hint: "nsrun --dry-run with fewer plugins shows which of them changes its mind"}
}

// tellAdded tells of plugins that the user didn't name, if he named some.
func (s *Session) tellAdded(inv *Invocation) {
	for _, m := range inv.Members {
		if m.Reason != "" && m.Required == "" && inv.Chosen {
			s.Notice(&ns.Diagnostic{Severity: ns.Notice, Summary: "added " + m.Name + " to --plugins: " + m.Reason})
		}
	}
}

func (s *Session) merge(parts []plan.Part) (*ns.Plan, error) {
	p, err := plan.Merge(parts)
	if err != nil {
		return nil, err
	}
	for i := range p.Notices {
		s.Notice(&p.Notices[i])
	}
	return p, nil
}

func ownedKinds(members []*Member) []ns.Kind {
	var kinds []ns.Kind
	for _, m := range members {
		kinds = append(kinds, m.Owns...)
	}
	return ns.SortKinds(kinds)
}

func offeredKinds(parts []plan.Part) []ns.Kind {
	var kinds []ns.Kind
	for _, p := range parts {
		kinds = append(kinds, p.Offer.Kinds...)
	}
	return ns.SortKinds(kinds)
}

// offers returns the members' offers, from the cache if nothing that they
// depend on has changed.
func (s *Session) offers(ctx context.Context, members []*Member, kinds []ns.Kind) ([]plan.Part, error) {
	r := s.newRound(members, kinds)
	if !s.kept(r) {
		if err := s.ask(ctx, r); err != nil {
			return nil, err
		}
	}
	parts := make([]plan.Part, len(members))
	for i, m := range members {
		parts[i] = plan.Part{Plugin: m.Name, Owns: m.Owns, Reason: m.Reason, Offer: r.offers[i]}
	}
	return parts, nil
}

func (s *Session) request(m *Member, kinds []ns.Kind) *ns.Request {
	return &ns.Request{Plugin: m.Name, Owns: m.Owns, Kinds: kinds, Settings: m.Settings, Facts: s.Facts}
}

// ask asks all plugins side by side, but for those whose own offer is kept: a run
// with a network of the moment would start all others as well, only for them to say
// what they said before.
func (s *Session) ask(ctx context.Context, r *round) error {
	err := sideBySide(len(r.members), func(i int) (err error) {
		if s.kept(r.alone(i)) {
			return nil
		}
		defer s.Timings.Begin("negotiate " + r.members[i].Name)()
		r.offers[i], err = s.Host.Negotiate(ctx, r.members[i].Plugin, r.requests[i])
		r.asked[i] = true
		return err
	})
	if err == nil {
		s.keepOffers(r)
	}
	return err
}

// keepOffers keeps all offers as one if all of them may be, and else those of
// the plugins that were asked, each by itself.
func (s *Session) keepOffers(r *round) {
	if s.keepAsOne(r) {
		return
	}
	for i := range r.members {
		if r.asked[i] {
			s.keepAsOne(r.alone(i))
		}
	}
}

// keepAsOne keeps the offers of a round for the next run of its members, and reports
// whether they may be kept.
func (s *Session) keepAsOne(r *round) bool {
	store := s.store(r.members)
	files, ok := dependencies(r.offers)
	if !ok || store == nil {
		return false
	}
	s.keep(store, "offers", r.key(), r.offers, cache.Files{Paths: files, Asked: r.begin})
	return true
}

// kept takes the members' offers from the cache, if it has them.
func (s *Session) kept(r *round) bool {
	var offers []*ns.Offer
	if !s.store(r.members).Get(r.key(), &offers) || !r.valid(offers) {
		return false
	}
	copy(r.offers, offers)
	return true
}

// dependencies returns the files that all offers depend on, and false if one of
// them must be asked for at every run: because it says so, or because it holds
// something to tell the user that may be gone the next time.
func dependencies(offers []*ns.Offer) (files []string, ok bool) {
	for _, o := range offers {
		if o.Freshness == nil || len(problems("", o.Diagnostics)) > 0 {
			return nil, false
		}
		files = append(files, o.Freshness.Files...)
	}
	return files, true
}
