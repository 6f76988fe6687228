// SPDX-License-Identifier: Apache-2.0

package core

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/nsrun/nsrun/core/cache"
	"github.com/nsrun/nsrun/core/find"
	"github.com/nsrun/nsrun/ns"
)

// review shows the plan to the members that ask for it. One of them can refuse the
// run.
func (s *Session) review(ctx context.Context, inv *Invocation, p *ns.Plan) error {
	reviewers := slices.DeleteFunc(slices.Clone(inv.Members), func(m *Member) bool {
		return !slices.Contains(m.Descriptor.Requires, ns.FeatureReview)
	})
	if len(reviewers) == 0 {
		return nil
	}
	defer s.Timings.Begin("review")()
	shown, err := s.reviewRequest(inv, p)
	if err != nil {
		return err
	}
	store := s.store(inv.Members)
	replies := make([]*ns.ReviewReply, len(reviewers))
	err = sideBySide(len(reviewers), func(i int) (err error) {
		req := *shown
		req.Request = *s.request(reviewers[i], p.KindList())
		replies[i], err = s.reviewOne(ctx, store, reviewers[i].Plugin, &req)
		return err
	})
	if err != nil {
		return err
	}
	var errs []error
	for i, m := range reviewers {
		errs = append(errs, s.tell(m.Name, replies[i].Diagnostics)...)
	}
	return errors.Join(errs...)
}

// reviewKey finds answers to Review in the cache.
type reviewKey struct {
	Review  int               `json:"review"`
	Plugin  find.Plugin       `json:"plugin"`
	Request *ns.ReviewRequest `json:"request"`
}

// reviewOne asks one plugin, unless its last answer to this request still holds: the
// plugin said on which files it depends, and none of them has changed. store is where
// answers are kept.
func (s *Session) reviewOne(ctx context.Context, store *cache.Store, p find.Plugin, req *ns.ReviewRequest) (*ns.ReviewReply, error) {
	key := reviewKey{Review: ns.PlanVersion, Plugin: p, Request: req}
	kept := &ns.ReviewReply{}
	if store.Get(key, kept) && len(ns.CheckReview(kept)) == 0 {
		return kept, nil
	}
	asked := time.Now()
	reply, err := s.Host.Review(ctx, p, req)
	if err != nil {
		return nil, err
	}
	if f := reply.Freshness; f != nil && !ns.HasErrors(reply.Diagnostics) && allExist(f.Files) {
		s.keep(store, "review", key, *reply, cache.Files{Paths: f.Files, Asked: asked})
	}
	return reply, nil
}

func allExist(files []string) bool {
	return !slices.ContainsFunc(files, func(path string) bool {
		_, exists := find.StateOf(path)
		return !exists
	})
}

// reviewRequest says of the run what all reviewers are told.
func (s *Session) reviewRequest(inv *Invocation, p *ns.Plan) (*ns.ReviewRequest, error) {
	merged, err := p.JSON()
	if err != nil {
		return nil, err
	}
	req := &ns.ReviewRequest{Plan: merged, NewPrivs: !inv.NoNewPrivs}
	for _, word := range inv.Command {
		req.Command = append(req.Command, strings.ToValidUTF8(word, "\ufffd"))
	}
	if inv.UID != nil {
		req.User = fmt.Sprintf("%d:%d", *inv.UID, *inv.GID)
	}
	for _, m := range inv.Members {
		req.Members = append(req.Members, s.reviewMember(m))
	}
	return req, nil
}

func (s *Session) reviewMember(m *Member) ns.ReviewMember {
	installed, err := find.Find(m.Name, s.dirs.System())
	r := ns.ReviewMember{Name: m.Name, Path: m.Plugin.Path, System: err == nil && installed.Identity == m.Plugin.Identity, Owns: m.Owns}
	for _, set := range m.Settings {
		if o := m.Descriptor.Option(set.Option); o == nil || o.Sensitive {
			set.Args = make([]string, len(set.Args))
		}
		r.Settings = append(r.Settings, set)
	}
	return r
}
