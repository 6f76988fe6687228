// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"slices"
	"strings"

	"github.com/nsrun/nsrun/ns"
)

// rule is a Landlock rule: what is allowed with a file and all below it.
type rule struct {
	inode    inode
	accesses []string // of ns.LandlockAccesses
}

// placeRules returns the Landlock rules about paths that are there.
func (r *Run) placeRules() (rules []rule) {
	for _, s := range r.steps {
		if s.Op != ns.OpLandlockPath {
			continue
		}
		if p, err := r.walk(s.Target); err == nil && p.whole() {
			rules = append(rules, rule{p.last().inode, strings.Split(s.Data, ",")})
		}
	}
	return rules
}

// fsRuleset returns the step that has Landlock restrict files, nil if none does.
func (r *Run) fsRuleset() *ns.PlannedStep {
	s := r.find(ns.OpLandlock)
	if s == nil || !slices.Contains(strings.Split(s.Data, ","), "fs") {
		return nil
	}
	return s
}

// allows reports whether some rule allows an access to the last file of a path. A rule
// is about a file and all below it, whatever path leads there; landlock(7).
func (r *Run) allows(stack []*file, access string) bool {
	return slices.ContainsFunc(r.rules, func(u rule) bool {
		return slices.Contains(u.accesses, access) &&
			slices.ContainsFunc(stack, func(f *file) bool { return f.inode == u.inode })
	})
}
