// SPDX-License-Identifier: Apache-2.0

package core

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/nsrun/nsrun/ns"
)

// rivals returns the installed plugins that have the flag and fill the same kind
// as one of members, which it returns too. The flag is then one that the chosen
// backend lacks.
func (s *Session) rivals(ctx context.Context, flag string, members []*Member) (*Member, []*ns.Descriptor) {
	installed := s.Installed(ctx)
	slices.SortStableFunc(installed, func(a, b *ns.Descriptor) int { return kindFirst(a) - kindFirst(b) })
	for _, m := range members {
		var rivals []*ns.Descriptor
		for _, d := range installed {
			if d.Name != m.Name && len(d.Kinds) == 1 && slices.Contains(m.Owns, d.Kinds[0]) && hasFlag(d, flag) {
				rivals = append(rivals, d)
			}
		}
		if len(rivals) > 0 {
			return m, rivals
		}
	}
	return nil, nil
}

// explainRivals says that the member lacks a flag that its rivals have.
func explainRivals(d *ns.Diagnostic, m *Member, rivals []*ns.Descriptor) {
	kind := rivals[0].Kinds[0]
	var selectors []string
	for _, r := range rivals {
		selectors = append(selectors, r.Selector())
	}
	d.Detail = fmt.Sprintf("the plugin %s, which fills %s in this run, does not have it", m.Name, kind)
	d.Hint = fmt.Sprintf("--plugins %s instead of %s", strings.Join(selectors, " or "), (&ns.Descriptor{Name: m.Name, Kinds: []ns.Kind{kind}}).Selector())
}
