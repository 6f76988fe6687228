// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"fmt"

	"github.com/nsrun/nsrun/core/stage"
	"github.com/nsrun/nsrun/ns"
)

// words says what the step does: "bind /a on /b".
func (m *made) words() string { return stage.Words(m.Step) }

// way says what to type so that a path doesn't get an attribute by the step, or "" if
// there is nothing that would always be right.
func (m *made) way(path string, attr ns.Attr) string {
	switch {
	case attr == ns.NoDev:
		return fmt.Sprintf("--dev-bind %s %s", path, path)
	case attr != ns.ReadOnly:
		return ""
	case m.Op == ns.OpMask:
		return m.unmask()
	case m.Op == ns.OpRemount:
		return "--unmask " + m.at
	case m.Op == ns.OpRootfs && m.Source == "/":
		return fmt.Sprintf("--bind %s %s", path, path)
	case m.Op == ns.OpRootfs:
		return fmt.Sprintf("a --bind on %s, or leave out --ro-rootfs", path)
	case m.Op == ns.OpBind:
		return fmt.Sprintf("--bind %s %s", m.Source, m.Target)
	}
	return ""
}

// unmask says what to type so that the step hides nothing.
func (m *made) unmask() string {
	return fmt.Sprintf("--unmask %s, or leave out --mask %s", m.at, m.at)
}
