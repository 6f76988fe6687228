// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/nsrun/nsrun/ns"
	"github.com/nsrun/nsrun/nsplugin"
)

// lastID is the highest id that can be mapped. The next one, -1 as a uid_t,
// means "no id" to the kernel.
const lastID = math.MaxUint32 - 1

// check checks one half of a map against the rules of user_namespaces(7). Later
// rules are checked once the earlier ones hold, which their words take for
// granted.
func (s *side) check(extents []ns.Extent, root bool) []ns.Diagnostic {
	if found := s.checkForm(extents); len(found) > 0 {
		return found
	}
	if found := s.checkExists(extents); len(found) > 0 || root {
		return found
	}
	return s.checkOwned(extents)
}

// fault returns an error about the option that gives extents.
func (s *side) fault(hint, format string, args ...any) ns.Diagnostic {
	return *nsplugin.Errorf("--%s: "+format, append([]any{s.option}, args...)...).WithHint(hint).WithOption(s.option)
}

// checkForm checks the rules that hold for everybody, wherever the ids are from.
func (s *side) checkForm(extents []ns.Extent) []ns.Diagnostic {
	if n := len(extents); n > ns.MaxExtents {
		return []ns.Diagnostic{s.fault("fewer and longer ranges", "%d ranges are too many: a map has up to %d lines", n, ns.MaxExtents)}
	}
	var found []ns.Diagnostic
	for _, e := range extents {
		found = append(found, s.checkExtent(e)...)
	}
	if len(found) > 0 {
		return found
	}
	for i, e := range extents {
		found = append(found, s.checkOverlap(e, extents[:i])...)
	}
	return found
}

// checkExtent checks one line of a map by itself.
func (s *side) checkExtent(e ns.Extent) []ns.Diagnostic {
	if e.Size == 0 {
		return []ns.Diagnostic{s.fault(fmt.Sprintf("--%s %d:%d:1", s.option, e.Inside, e.Outside), "%s maps no ids: its size is 0", written(e))}
	}
	if inside(e).last <= lastID && outside(e).last <= lastID {
		return nil
	}
	return []ns.Diagnostic{s.fault("a smaller size, or a lower start", "%s goes past the last id, %d", written(e), uint32(lastID))}
}

// checkOverlap checks that no id is mapped twice, in either direction.
func (s *side) checkOverlap(e ns.Extent, before []ns.Extent) []ns.Diagnostic {
	const hint = "ranges that are apart from each other"
	var found []ns.Diagnostic
	for _, b := range before {
		if inside(e).overlaps(inside(b)) {
			found = append(found, s.fault(hint, "%s and %s overlap inside", written(b), written(e)))
		}
		if outside(e).overlaps(outside(b)) {
			found = append(found, s.fault(hint, "%s and %s overlap outside", written(b), written(e)))
		}
	}
	return found
}

// checkExists checks that the ids outside exist in the caller's namespace.
func (s *side) checkExists(extents []ns.Extent) []ns.Diagnostic {
	var found []ns.Diagnostic
	for _, e := range extents {
		if !s.exists(e) {
			found = append(found, s.fault("ids out of "+insides(s.exist),
				"%s asks for %s ids outside that don't exist in your namespace: %s", written(e), s.what, outside(e)))
		}
	}
	return found
}

// exists reports whether the ids outside of e exist in the caller's namespace,
// in one line of its map, since the kernel doesn't join lines.
func (s *side) exists(e ns.Extent) bool {
	return slices.ContainsFunc(s.exist, func(x ns.Extent) bool { return outside(e).within(inside(x)) })
}

// checkOwned checks that an ordinary caller may give the ids outside: its own
// one alone, or with the helper its own one and its subordinate ranges.
func (s *side) checkOwned(extents []ns.Extent) []ns.Diagnostic {
	if s.alone(extents) {
		return nil
	}
	var found []ns.Diagnostic
	for _, e := range extents {
		if !s.owns(e) {
			found = append(found, s.fault(fmt.Sprintf("ids out of %s, or more of them in %s", s.owned(), s.subid),
				"%s asks for %s ids outside that aren't yours: %s", written(e), s.what, outside(e)))
		}
	}
	if len(found) == 0 && s.helper == "" {
		found = append(found, s.fault(installHint, "more than your own %s id alone takes newuidmap and newgidmap, which aren't in %s", s.what, strings.Join(helperDirs, ", ")))
	}
	return found
}

// alone reports whether extents map the caller's own id and nothing else, which
// needs no privilege.
func (s *side) alone(extents []ns.Extent) bool {
	return len(extents) == 1 && extents[0].Size == 1 && extents[0].Outside == s.own
}

// owns reports whether every id outside of e is the caller's. One subordinate
// range may go on where another ends.
func (s *side) owns(e ns.Extent) bool {
	if e.Size == 1 && e.Outside == s.own {
		return true
	}
	for todo := outside(e); todo.first <= todo.last; {
		next := slices.IndexFunc(s.sub, func(r ns.Extent) bool { return spanOf(uint32(todo.first), 1).within(outside(r)) })
		if next < 0 {
			return false
		}
		todo.first = outside(s.sub[next]).last + 1
	}
	return true
}

// owned lists the ids that an ordinary caller may map.
func (s *side) owned() string {
	list := []string{fmt.Sprint(s.own)}
	for _, r := range s.sub {
		list = append(list, outside(r).String())
	}
	return strings.Join(list, ", ")
}

// insides lists the ids inside of extents.
func insides(extents []ns.Extent) string {
	list := make([]string, len(extents))
	for i, e := range extents {
		list[i] = inside(e).String()
	}
	return strings.Join(list, ", ")
}

// written returns an extent as it is written on the command line.
func written(e ns.Extent) string { return fmt.Sprintf("%d:%d:%d", e.Inside, e.Outside, e.Size) }
