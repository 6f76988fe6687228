// SPDX-License-Identifier: Apache-2.0

package stage

import (
	"fmt"
	"path"
	"strconv"
	"strings"

	"github.com/nsrun/nsrun/ns"
)

// check notes everything that is wrong with the configuration in itself. A plan
// was checked when it was merged; what acts checks again, since a step without
// its namespace would act on the host.
func (c *compiler) check() {
	for _, k := range c.cfg.Kinds {
		if !k.Valid() {
			c.refuse("unknown kind of namespace %q", k)
		}
	}
	c.checkCommand(c.cfg.Command)
	c.checkRoot()
	c.checkRuleset()
	c.checkJoin()
	for _, s := range c.cfg.Steps {
		c.plugin = s.Plugin
		if c.checkNeeds(s.Step) {
			c.checkFields(s.Step)
		}
	}
	c.plugin = ""
}

func (c *compiler) refuse(format string, args ...any) {
	c.problem(&ns.Diagnostic{Summary: fmt.Sprintf(format, args...)})
}

func (c *compiler) checkCommand(cmd Command) {
	if len(cmd.Argv) == 0 || cmd.Argv[0] == "" {
		c.refuse("no command to execute")
	}
	for _, list := range [][]string{cmd.Argv, cmd.Env, {cmd.Dir, cmd.Path, c.cfg.Cwd}} {
		for _, s := range list {
			if strings.Contains(s, "\x00") {
				c.refuse("%q holds a null byte", s)
			}
		}
	}
	if cmd.Dir != "" && !path.IsAbs(cmd.Dir) {
		c.refuse("the working directory %q is not an absolute path", cmd.Dir)
	}
}

// checkRoot wants a root directory and the switch to it both or not at all:
// without the switch the command would run in the host's tree.
func (c *compiler) checkRoot() {
	count := map[ns.Op]int{}
	for _, s := range c.cfg.Steps {
		count[s.Op]++
	}
	switch {
	case count[ns.OpRootfs] > 1:
		c.refuse("there are %d root directories; a run has one", count[ns.OpRootfs])
	case count[ns.OpRootfs] != count[ns.OpPivot]:
		c.refuse("the steps %q and %q must come together", ns.OpRootfs, ns.OpPivot)
	}
}

// checkNeeds reports whether the run has the namespace that s acts in.
func (c *compiler) checkNeeds(s ns.Step) bool {
	kind, known := s.Op.Needs()
	if s.Op == ns.OpSysctl {
		kind, known = ns.SysctlKind(s.Target)
	}
	switch {
	case !known && s.Op == ns.OpSysctl:
		c.refuse("%s: the key belongs to no namespace", Words(s))
	case !known:
		c.refuse("unknown step %q", s.Op)
	case kind != "" && !c.has(kind):
		c.problem(&ns.Diagnostic{
			Summary: fmt.Sprintf("%s: the run has no %s namespace of its own", Words(s), kind),
			Hint:    fmt.Sprintf("add %s to --plugins", kind),
		})
	default:
		return true
	}
	return false
}

func (c *compiler) checkFields(s ns.Step) {
	if strings.Contains(s.Source+s.Target+s.FSType, "\x00") || s.Op != ns.OpFile && strings.Contains(s.Data, "\x00") {
		c.refuse("%s: a null byte", Words(s))
	}
	if kind, _ := s.Op.Needs(); kind == ns.Mount {
		c.checkMountFields(s)
		return
	}
	if s.Op.Confines() {
		c.checkConfinement(s)
		return
	}
	switch s.Op {
	case ns.OpHostname, ns.OpDomainname:
		if len(s.Data) > maxHostname {
			c.refuse("%s: longer than %d bytes", Words(s), maxHostname)
		}
	case ns.OpTimeOffset:
		if _, err := strconv.ParseInt(s.Data, 10, 64); err != nil || s.Target != "monotonic" && s.Target != "boottime" {
			c.refuse("%s: not a clock and a number", Words(s))
		}
	case ns.OpLinkUp:
		if s.Target == "" || len(s.Target) > maxLinkName {
			c.refuse("%s: an interface's name has 1 to %d bytes", Words(s), maxLinkName)
		}
	}
}

const (
	maxHostname = 64 // __NEW_UTS_LEN
	maxLinkName = 15 // IFNAMSIZ - 1
)

func (c *compiler) checkMountFields(s ns.Step) {
	if s.Op != ns.OpRootfs && s.Op != ns.OpPivot {
		c.checkPath(s, "target", s.Target)
		if s.Target == "/" && s.Op != ns.OpPropagation {
			c.refuse("%s: the target is the root itself", Words(s))
		}
	}
	if s.Op == ns.OpRootfs || s.Op == ns.OpBind || s.Op == ns.OpOverlay {
		c.checkPath(s, "source", s.Source)
	}
	if s.Op == ns.OpOverlay && s.Data != "" {
		c.checkPath(s, "directory for changes", s.Data)
	}
	if s.Op == ns.OpFile && s.Source != "" && c.cfg.Inputs != nil && !s.IfExists && !c.cfg.Inputs.has(s.Source) {
		c.refuse("%s: nobody has read it", Words(s))
	}
	if s.Op == ns.OpMount && s.FSType == "" {
		c.refuse("%s: no file system type", Words(s))
	}
	if s.Op == ns.OpPropagation && propagations[s.Data] == 0 {
		c.refuse("%s: unknown propagation", Words(s))
	}
	c.checkIDMapped(s)
	for _, a := range s.Attrs {
		if _, ok := attrBits[a]; !ok && a != ns.IDMapped {
			c.refuse("%s: unknown mount attribute %q", Words(s), a)
		}
	}
}

// checkPath wants an absolute path without "..", so that what lies below what
// can be told from the text.
func (c *compiler) checkPath(s ns.Step, what, p string) {
	switch {
	case !path.IsAbs(p):
		c.refuse("%s: the %s %q is not an absolute path", Words(s), what, p)
	case path.Clean(p) != p:
		c.refuse("%s: the %s %q is not a clean path; use %q", Words(s), what, p, path.Clean(p))
	case len(p) >= maxPath:
		c.refuse("%s: the %s is longer than %d bytes", Words(s), what, maxPath)
	}
}

const maxPath = 4096 // PATH_MAX
