// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"slices"

	"github.com/nsrun/nsrun/core/stage"
	"github.com/nsrun/nsrun/ns"
)

// made is a step that made or changed a mount.
type made struct {
	*ns.PlannedStep
	at string // its target, links followed, or "" if that isn't there
}

// placeMade returns the run's steps that make mounts, in their order.
func (r *Run) placeMade(steps []ns.PlannedStep) (all []made) {
	for i, s := range steps {
		if covers(s.Op) || mounts(s.Op) {
			all = append(all, made{&steps[i], r.real(&s)})
		}
	}
	return all
}

// real returns where a step's target is, links followed, or "" if it isn't there.
func (r *Run) real(s *ns.PlannedStep) string {
	if s.Op == ns.OpRootfs {
		return "/"
	}
	p, err := r.walk(s.Target)
	if err != nil || !p.whole() {
		return ""
	}
	return p.last().path
}

// origin returns the step that made a mount, nil if that was there before the run.
func (r *Run) origin(mount int) *made {
	if i := maker(r.made, r.mounts[mount].Point); i >= 0 {
		return &r.made[i]
	}
	return nil
}

// maker returns the index of the last step whose target is point, or -1.
func maker(steps []made, point string) int {
	for i, m := range slices.Backward(steps) {
		if m.at == point {
			return i
		}
	}
	return -1
}

// ruleFor returns the step that gave a mount an attribute, nil if it had it before the
// run.
func (r *Run) ruleFor(mount int, attr ns.Attr) *made {
	return ruleAt(r.made, r.mounts[mount].Point, attr)
}

// ruleAt returns which of some steps gave the mount on point an attribute. A step gives
// it to all mounts that are below its target by then; the nearest counts, and of those
// at one place the last. A remount keeps what the mount has that it copies.
func ruleAt(steps []made, point string, attr ns.Attr) (rule *made) {
	first := maker(steps, point)
	for i := max(0, first); i < len(steps); i++ {
		m := &steps[i]
		reaches := m.at == point || covers(m.Op) && m.holds(point)
		if reaches && m.gives(attr) && (rule == nil || len(m.at) >= len(rule.at)) {
			rule = m
		}
	}
	if rule == nil && first >= 0 && steps[first].Op == ns.OpRemount {
		return ruleAt(steps[:first], nearest(steps[:first], point), attr)
	}
	return rule
}

// nearest returns where the mount lies that a path is on, as far as steps made it.
func nearest(steps []made, path string) string {
	found := "/"
	for _, m := range steps {
		if m.holds(path) && len(m.at) > len(found) {
			found = m.at
		}
	}
	return found
}

// covers reports whether a step of that op brings the mounts below its target along,
// with its attributes.
func covers(op ns.Op) bool { return op == ns.OpRootfs || op == ns.OpBind || op == ns.OpRemount }

// mounts reports whether a step of that op makes one mount, with nothing below it.
func mounts(op ns.Op) bool {
	return op == ns.OpMount || op == ns.OpOverlay || op == ns.OpMask || op == ns.OpFile
}

// gives reports whether a step gives mounts an attribute. What masks and files have is
// part of what they are.
func (m *made) gives(attr ns.Attr) bool {
	return slices.Contains(m.Attrs, attr) ||
		m.Op == ns.OpMask && slices.Contains([]ns.Attr{ns.ReadOnly, ns.NoSUID, ns.NoDev, ns.NoExec}, attr) ||
		m.Op == ns.OpFile && slices.Contains([]ns.Attr{ns.ReadOnly, ns.NoSUID, ns.NoDev}, attr)
}

// holds reports whether the step's target is path or above it. One that isn't there holds
// nothing.
func (m *made) holds(path string) bool { return m.at != "" && stage.Below(m.at, path) }
