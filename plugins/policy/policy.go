// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"errors"
	"os"

	"github.com/nsrun/nsrun/ns"
	"github.com/nsrun/nsrun/nsplugin"
)

// systemPath is the policy. There is no option for another: whoever is held to one
// would name his own.
const systemPath = "/etc/nsrun/policy.toml"

// policy refuses what its file doesn't allow.
type policy struct{ path string }

// Describe implements nsplugin.Plugin.
func (*policy) Describe() nsplugin.Info {
	return nsplugin.Info{Name: "policy", Version: "1.0.0", Summary: "refuses runs that /etc/nsrun/policy.toml doesn't allow"}
}

// Negotiate implements nsplugin.Plugin. A policy asks for nothing.
func (*policy) Negotiate(context.Context, *ns.Request) (*ns.Offer, error) {
	return &ns.Offer{Freshness: &ns.Freshness{}}, nil
}

// Review implements nsplugin.Reviewer.
func (p *policy) Review(_ context.Context, req *ns.ReviewRequest) (*ns.ReviewReply, error) {
	doc, err := load(p.path)
	if err != nil {
		return nil, err
	}
	r := &review{doc: doc, req: req}
	if err := json.Unmarshal(req.Plan, &r.plan); err != nil {
		return nil, nsplugin.Errorf("read plan: %w", err)
	}
	for _, rule := range rules {
		rule(r)
	}
	if r.resolved {
		return &ns.ReviewReply{}, errors.Join(r.errs...) // where links lead can change
	}
	return &ns.ReviewReply{Freshness: &ns.Freshness{Files: []string{p.path}}}, errors.Join(r.errs...)
}

// Check implements nsplugin.Checker. A host without a policy lacks nothing, unless the
// plugin is chosen.
func (p *policy) Check(context.Context, ns.Facts) ([]ns.Diagnostic, error) {
	if _, err := os.Lstat(p.path); errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	_, err := load(p.path)
	return nil, err
}

// review is a run that is looked at.
type review struct {
	doc      *document
	req      *ns.ReviewRequest
	plan     ns.Plan
	resolved bool // an answer depends on links in the file tree
	errs     []error
}

// refuse adds an error for what the rule at key doesn't allow.
func (r *review) refuse(key, hint, format string, args ...any) {
	r.errs = append(r.errs, nsplugin.Errorf(format, args...).WithDetail(r.doc.where(key)).WithHint(hint))
}
