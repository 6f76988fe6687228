// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"

	"github.com/nsrun/nsrun/ns"
	"github.com/nsrun/nsrun/nsplugin"
)

// user is the plugin, with its options.
type user struct {
	MapUsers   []string `option:"map-users" args:"IN:OUT:N" help:"map N user ids from IN on inside to those from OUT on outside"`
	MapGroups  []string `option:"map-groups" args:"IN:OUT:N" help:"map N group ids from IN on inside to those from OUT on outside"`
	MapRoot    bool     `option:"map-root-user" short:"r" help:"map the caller to root, and no other ids unless asked for"`
	MapCurrent bool     `option:"map-current-user" help:"map the caller to itself, and no other ids unless asked for"`
	MapAuto    bool     `option:"map-auto" help:"map the caller to root and its subordinate ids after it; the default of an ordinary user who has some"`
}

// Describe returns what the plugin says of itself.
func (*user) Describe() nsplugin.Info {
	return nsplugin.Info{
		Name:    "user",
		Version: "0.1.0",
		Summary: "user and group ids of its own: root inside, nobody in particular outside",
		Kinds:   []ns.Kind{ns.User},
	}
}

// Negotiate decides the map. PreExec writes it, where nsrun can't for lack of
// privilege.
func (u *user) Negotiate(_ context.Context, req *ns.Request) (*ns.Offer, error) {
	c, err := readCaller(req.Facts)
	if err != nil {
		return nil, err
	}
	m, notes := u.decide(c)
	o := &ns.Offer{
		Kinds:       req.Owns,
		IDMap:       m,
		Diagnostics: append(blockers(req.Facts), notes...),
		Freshness:   &ns.Freshness{Files: u.dependencies()},
	}
	if m != nil && !m.Direct {
		o.Hooks = []ns.Point{ns.PreExec}
	}
	return o, nil
}

// PreExec writes the map of the child's user namespace. There is nothing to
// undo: the map dies with the namespace.
func (*user) PreExec(ctx context.Context, req *ns.HookRequest) (*ns.HookReply, error) {
	if req.IDMap == nil {
		return nil, nsplugin.Errorf("write the map of process %d: the offer had none", req.PID)
	}
	if err := (child{req.PID}).writeMap(ctx, req.IDMap); err != nil {
		return nil, err
	}
	return &ns.HookReply{}, nil
}

// Check says what on this host keeps the plugin from working, or an ordinary
// user from mapping more than one id.
func (*user) Check(_ context.Context, facts ns.Facts) ([]ns.Diagnostic, error) {
	c, err := readCaller(facts)
	if err != nil {
		return nil, err
	}
	found := blockers(facts)
	if _, note := (&user{}).settleAuto(c); note != nil {
		found = append(found, *note)
	}
	return found, nil
}
