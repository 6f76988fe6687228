// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"slices"

	"github.com/nsrun/nsrun/ns"
	"github.com/nsrun/nsrun/nsplugin"
)

// decide returns the map for the options, and what there is to say of it. The
// map is nil if there is an error among that.
func (u *user) decide(c *caller) (*ns.IDMap, []ns.Diagnostic) {
	if d := u.contradiction(); d != nil {
		return nil, []ns.Diagnostic{*d}
	}
	var notes []ns.Diagnostic
	auto, note := u.settleAuto(c)
	if note != nil {
		notes = append(notes, *note)
	}
	uids, found := u.half(c, &c.users, u.MapUsers, u.MapGroups, auto)
	notes = append(notes, found...)
	gids, found := u.half(c, &c.groups, u.MapGroups, u.MapUsers, auto)
	notes = append(notes, found...)
	if ns.HasErrors(notes) {
		return nil, notes
	}
	m := c.idMap(uids, gids)
	return m, append(notes, c.stranger(m)...)
}

// contradiction returns an error if two options say different things of the
// same ids.
func (u *user) contradiction() *ns.Diagnostic {
	switch {
	case u.MapRoot && u.MapCurrent:
		return conflict("map-root-user", "map-current-user", "one of the two")
	case u.MapAuto && len(u.MapUsers) > 0:
		return conflict("map-auto", "map-users", "all ranges with --map-users, or none")
	case u.MapAuto && len(u.MapGroups) > 0:
		return conflict("map-auto", "map-groups", "all ranges with --map-groups, or none")
	}
	return nil
}

func conflict(a, b, hint string) *ns.Diagnostic {
	return nsplugin.Errorf("--%s and --%s contradict each other", a, b).WithHint(hint).WithOption(a)
}

// idMap puts the halves together and says how they have to be written.
func (c *caller) idMap(uids, gids []ns.Extent) *ns.IDMap {
	own := c.users.alone(uids) && c.groups.alone(gids)
	return &ns.IDMap{
		UIDs: uids,
		GIDs: gids,
		// user_namespaces(7): a caller without CAP_SETGID must give up setgroups(2)
		// before it maps its own group alone, or it could drop a group that keeps
		// it from a file.
		DenySetgroups: !c.root && c.groups.alone(gids),
		Helpers:       !c.root && !own,
		Direct:        !c.root && own,
	}
}

// half returns one half of the map, checked. other is what was given for the
// other half.
func (u *user) half(c *caller, s *side, given, other []string, auto bool) ([]ns.Extent, []ns.Diagnostic) {
	if len(given) == 0 && c.root {
		// Root would otherwise keep its host group under a map for users alone.
		given = other
	}
	listed, found := s.parse(given)
	if len(found) > 0 {
		return nil, found
	}
	extents := u.choose(c, s, listed, auto)
	if found := s.check(extents, c.root); len(found) > 0 {
		return nil, found
	}
	return extents, nil
}

// parse reads the extents of an option, all of them.
func (s *side) parse(given []string) ([]ns.Extent, []ns.Diagnostic) {
	var extents []ns.Extent
	var found []ns.Diagnostic
	for _, g := range given {
		e, err := parseExtent(g)
		if err != nil {
			found = append(found, s.fault(fmt.Sprintf("--%s 0:%d:1", s.option, s.own), "%s: %v", g, err))
		}
		extents = append(extents, e)
	}
	return extents, found
}

// choose returns one half of the map: the caller's own id as asked for, then
// what is listed, or else subordinate. Where nothing is asked for, root keeps
// the ids that it has and an ordinary user becomes root.
func (u *user) choose(c *caller, s *side, listed []ns.Extent, auto bool) []ns.Extent {
	root := ns.Extent{Inside: 0, Outside: s.own, Size: 1}
	same := ns.Extent{Inside: s.own, Outside: s.own, Size: 1}
	switch {
	case u.MapCurrent && auto:
		return append([]ns.Extent{same}, fill(s.sub, same.Inside)...)
	case u.MapCurrent:
		return append([]ns.Extent{same}, listed...)
	case auto:
		return append([]ns.Extent{root}, fill(s.sub, root.Inside)...)
	case u.MapRoot:
		return append([]ns.Extent{root}, listed...)
	case len(listed) > 0:
		return listed
	case c.root:
		return identity(s.exist)
	}
	return []ns.Extent{root}
}

// identity maps every id that exists to itself.
func identity(exist []ns.Extent) []ns.Extent {
	same := slices.Clone(exist)
	for i := range same {
		same[i].Outside = same[i].Inside
	}
	return same
}

// stranger warns of a caller without ids inside: nsrun makes one the root of
// its namespace where the map has root, and otherwise the command would run as
// the overflow id, and own nothing.
func (c *caller) stranger(m *ns.IDMap) []ns.Diagnostic {
	if c.users.maps(m.UIDs) && c.groups.maps(m.GIDs) || ns.MapsInside(m.UIDs, 0) && ns.MapsInside(m.GIDs, 0) {
		return nil
	}
	d := nsplugin.Warnf("your user id %d and group id %d are not both in the map, and root's aren't either", c.users.own, c.groups.own).
		WithDetail("an id without a place in the map is shown as 65534 inside, and can't make a file").
		WithHint("--map-root-user or --map-current-user, which add your ids")
	return []ns.Diagnostic{*d}
}

// maps reports whether the caller's id is among those that are mapped.
func (s *side) maps(extents []ns.Extent) bool {
	return slices.ContainsFunc(extents, func(e ns.Extent) bool { return spanOf(s.own, 1).within(outside(e)) })
}
