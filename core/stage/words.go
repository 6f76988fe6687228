// SPDX-License-Identifier: Apache-2.0

package stage

import (
	"fmt"
	"strings"

	"github.com/nsrun/nsrun/ns"
)

// Words says in words what s does: "mount proc on /proc". It is the start of
// every message about s.
func Words(s ns.Step) string {
	switch s.Op {
	case ns.OpPropagation:
		return fmt.Sprintf("make the mounts below %s %s", s.Target, s.Data)
	case ns.OpRootfs:
		return "use " + s.Source + " as the root"
	case ns.OpPivot:
		return "switch to the new root"
	case ns.OpBind:
		return fmt.Sprintf("bind %s on %s", s.Source, s.Target)
	case ns.OpMount:
		return fmt.Sprintf("mount %s on %s", s.FSType, s.Target)
	case ns.OpOverlay:
		return fmt.Sprintf("lay an overlay of %s over %s", s.Source, s.Target)
	case ns.OpMask:
		return "hide " + s.Target
	case ns.OpRemount:
		return fmt.Sprintf("make %s %s", s.Target, joinAttrs(s.Attrs))
	case ns.OpFile:
		if s.Source != "" {
			return "put " + s.Source + " on " + s.Target
		}
		return "put a file on " + s.Target
	case ns.OpMkdir:
		return "make the directory " + s.Target
	case ns.OpSymlink:
		return fmt.Sprintf("link %s to %s", s.Target, s.Data)
	}
	return plainWords(s)
}

func joinAttrs(attrs []ns.Attr) string {
	words := make([]string, len(attrs))
	for i, a := range attrs {
		words[i] = string(a)
	}
	return strings.Join(words, ",")
}

// plainWords says what the steps do that touch no file system.
func plainWords(s ns.Step) string {
	switch s.Op {
	case ns.OpHostname:
		return fmt.Sprintf("set the hostname to %q", s.Data)
	case ns.OpDomainname:
		return fmt.Sprintf("set the domain name to %q", s.Data)
	case ns.OpLinkUp:
		return fmt.Sprintf("set the interface %s up", s.Target)
	case ns.OpSysctl:
		return fmt.Sprintf("set the sysctl %s to %q", s.Target, s.Data)
	case ns.OpInit:
		return "start an init"
	case ns.OpTimeOffset:
		return fmt.Sprintf("set the clock %s off by %s ns", s.Target, s.Data)
	}
	return confiningWords(s)
}

// confiningWords says what the steps do that restrict the command's process.
func confiningWords(s ns.Step) string {
	switch s.Op {
	case ns.OpRlimit:
		return fmt.Sprintf("limit %s to %s", s.Target, s.Data)
	case ns.OpCaps:
		return fmt.Sprintf("keep the capabilities %q", s.Data)
	case ns.OpLandlock:
		return "restrict " + s.Data + " by landlock"
	case ns.OpLandlockPath, ns.OpLandlockPort:
		return fmt.Sprintf("allow %s to %s", s.Data, s.Target)
	case ns.OpSeccomp:
		return "filter system calls"
	}
	return fmt.Sprintf("step %q", s.Op)
}
