// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"strings"

	"github.com/nsrun/nsrun/ns"
	"github.com/nsrun/nsrun/nsplugin"
)

// installHint says how to get the helpers.
const installHint = "install the package uidmap (shadow-utils on some distributions)"

// settleAuto decides whether subordinate ranges are mapped: when asked for, and
// for an ordinary user also when nothing at all was asked for. It returns what
// to tell when they were wanted and can't be had.
func (u *user) settleAuto(c *caller) (auto bool, note *ns.Diagnostic) {
	if !u.MapAuto && (c.root || u.asked()) {
		return false, nil
	}
	d := c.cantMapAuto()
	if d == nil {
		return true, nil
	}
	if !u.MapAuto {
		d.Severity, d.Option = ns.Notice, ""
		d.Summary = "only your own user and group id are mapped, to root"
	}
	return false, d
}

// asked reports whether any option says what to map.
func (u *user) asked() bool {
	return u.MapRoot || u.MapCurrent || u.MapAuto || len(u.MapUsers) > 0 || len(u.MapGroups) > 0
}

// ownAlone reports whether the options ask for the caller's own ids and no others.
func (u *user) ownAlone() bool {
	return (u.MapRoot || u.MapCurrent) && !u.MapAuto && len(u.MapUsers) == 0 && len(u.MapGroups) == 0
}

// cantMapAuto returns why the caller's subordinate ranges can't be mapped, or nil.
func (c *caller) cantMapAuto() *ns.Diagnostic {
	if !c.root {
		if d := c.cantUseHelpers(); d != nil {
			return d
		}
	}
	var files []string
	for _, s := range []*side{&c.users, &c.groups} {
		if len(s.sub) == 0 {
			files = append(files, s.subid)
		}
	}
	if files == nil {
		return nil
	}
	return noRanges(
		fmt.Sprintf("no range of %s in %s can be mapped", c.account(), strings.Join(files, " and ")),
		fmt.Sprintf("usermod --add-subuids 100000-165535 --add-subgids 100000-165535 %s, as root", c.account()))
}

// cantUseHelpers returns why newuidmap and newgidmap can't work for the caller,
// or nil.
func (c *caller) cantUseHelpers() *ns.Diagnostic {
	switch {
	case c.users.helper == "" || c.groups.helper == "":
		return noRanges("newuidmap and newgidmap aren't in "+strings.Join(helperDirs, ", "), installHint)
	case c.name == "":
		return noRanges(fmt.Sprintf("user id %d has no name in the password database, which newuidmap asks for", c.users.own),
			"--map-root-user, which needs none")
	case c.noNewPrivs:
		return noRanges("no_new_privs is set, so that newuidmap can't get the privilege to map them; prctl(2)",
			"--map-root-user, which needs none")
	}
	return nil
}

func noRanges(detail, hint string) *ns.Diagnostic {
	return nsplugin.Errorf("--map-auto: no subordinate ids can be mapped").
		WithDetail(detail).WithHint(hint).WithOption("map-auto")
}

// account names the caller.
func (c *caller) account() string {
	if c.name == "" {
		return fmt.Sprint(c.users.own)
	}
	return c.name
}

// fill maps ranges to the ids inside from 0 on, but not to taken, which splits
// the range that meets it.
func fill(ranges []ns.Extent, taken uint32) []ns.Extent {
	var extents []ns.Extent
	next := uint32(0)
	for _, r := range ranges {
		for r.Size > 0 {
			if next == taken {
				next++
			}
			n := r.Size
			if next < taken {
				n = min(n, taken-next)
			}
			extents = append(extents, ns.Extent{Inside: next, Outside: r.Outside, Size: n})
			next, r.Outside, r.Size = next+n, r.Outside+n, r.Size-n
		}
	}
	return extents
}
