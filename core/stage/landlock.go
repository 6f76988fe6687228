// SPDX-License-Identifier: Apache-2.0

package stage

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/nsrun/nsrun/core/stage/program"
	"github.com/nsrun/nsrun/ns"
	"golang.org/x/sys/unix"
)

// rights is how many kinds of access to files each version of Landlock can
// restrict, from version 1 on; landlock(7). They are the lowest bits.
var rights = []int{13, 14, 15, 15, 16}

// accesses are the rights that each word of OpLandlockPath stands for.
var accesses = map[string]uint64{
	"read":    unix.LANDLOCK_ACCESS_FS_READ_FILE | unix.LANDLOCK_ACCESS_FS_READ_DIR,
	"execute": unix.LANDLOCK_ACCESS_FS_EXECUTE,
	"write": unix.LANDLOCK_ACCESS_FS_WRITE_FILE | unix.LANDLOCK_ACCESS_FS_REMOVE_DIR | unix.LANDLOCK_ACCESS_FS_REMOVE_FILE |
		unix.LANDLOCK_ACCESS_FS_MAKE_CHAR | unix.LANDLOCK_ACCESS_FS_MAKE_DIR | unix.LANDLOCK_ACCESS_FS_MAKE_REG |
		unix.LANDLOCK_ACCESS_FS_MAKE_SOCK | unix.LANDLOCK_ACCESS_FS_MAKE_FIFO | unix.LANDLOCK_ACCESS_FS_MAKE_BLOCK |
		unix.LANDLOCK_ACCESS_FS_MAKE_SYM | unix.LANDLOCK_ACCESS_FS_REFER | unix.LANDLOCK_ACCESS_FS_TRUNCATE |
		unix.LANDLOCK_ACCESS_FS_IOCTL_DEV,
}

// ofFiles are the rights that a file can have, which is no directory.
const ofFiles = unix.LANDLOCK_ACCESS_FS_EXECUTE | unix.LANDLOCK_ACCESS_FS_WRITE_FILE | unix.LANDLOCK_ACCESS_FS_READ_FILE |
	unix.LANDLOCK_ACCESS_FS_TRUNCATE | unix.LANDLOCK_ACCESS_FS_IOCTL_DEV

// scope is what a word of OpLandlock restricts, and the first version of
// Landlock that can.
type scope struct {
	net, scoped uint64
	abi         int
}

var scopes = map[string]scope{
	"fs":            {abi: 1},
	"bind-tcp":      {net: unix.LANDLOCK_ACCESS_NET_BIND_TCP, abi: 4},
	"connect-tcp":   {net: unix.LANDLOCK_ACCESS_NET_CONNECT_TCP, abi: 4},
	"abstract-unix": {scoped: unix.LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET, abi: 6},
	"signal":        {scoped: unix.LANDLOCK_SCOPE_SIGNAL, abi: 6},
}

// checkRuleset wants a ruleset that rules can be added to, of things that this
// kernel can restrict: a restriction that isn't there must not look as if it were.
func (c *compiler) checkRuleset() {
	i := c.find(ns.OpLandlock)
	if i < 0 {
		if c.find(ns.OpLandlockPath) >= 0 || c.find(ns.OpLandlockPort) >= 0 {
			c.refuse("landlock rules without the step %q", ns.OpLandlock)
		}
		return
	}
	s, abi := c.cfg.Steps[i], c.host.LandlockABI()
	c.plugin = s.Plugin
	for word := range strings.SplitSeq(s.Data, ",") {
		if need := scopes[word].abi; need > abi {
			c.problem(&ns.Diagnostic{
				Summary: fmt.Sprintf("restrict %s by landlock: the kernel can't", word),
				Detail:  fmt.Sprintf("that needs version %d of Landlock, and this kernel has %d (0: none; landlock(7))", need, abi),
				Hint:    "leave that restriction out, or use a newer kernel, started with landlock among its lsm=",
			})
		}
	}
	c.plugin = ""
}

// makeRuleset adds the instructions that make the ruleset, and returns its
// register. Paths are those that the command will see, and are opened while the
// child may still open them.
func (c *compiler) makeRuleset() program.Reg {
	i := c.find(ns.OpLandlock)
	if i < 0 {
		return 0
	}
	attr := struct{ fs, net, scoped uint64 }{} // struct landlock_ruleset_attr
	for word := range strings.SplitSeq(c.cfg.Steps[i].Data, ",") {
		attr.net |= scopes[word].net
		attr.scoped |= scopes[word].scoped
		if word == "fs" {
			attr.fs = c.fsRights()
		}
	}
	c.b.Begin(i, titleOf(c.cfg.Steps[i]))
	ruleset := c.b.Result(unix.SYS_LANDLOCK_CREATE_RULESET, program.Struct(&c.b, &attr), program.Int(24), program.Int(0))
	for k, s := range c.cfg.Steps {
		switch s.Op {
		case ns.OpLandlockPath:
			c.b.Begin(k, titleOf(s))
			c.allowPath(ruleset, s.Step)
		case ns.OpLandlockPort:
			c.b.Begin(k, titleOf(s))
			c.allowPort(ruleset, s.Step)
		}
	}
	return ruleset
}

// fsRights returns the accesses to files that the kernel can restrict.
func (c *compiler) fsRights() uint64 {
	abi := min(c.host.LandlockABI(), len(rights))
	return 1<<rights[abi-1] - 1
}

// allowPath adds a rule for what lies below a path. A file, which is no
// directory, can't be given all rights.
func (c *compiler) allowPath(ruleset program.Reg, s ns.Step) {
	var allowed uint64
	for word := range strings.SplitSeq(s.Data, ",") {
		allowed |= accesses[word]
	}
	allowed &= c.fsRights()
	done := c.b.Label()
	at := c.b.Result(unix.SYS_OPENAT, cwd, c.b.String(s.Target), program.Int(unix.O_PATH|unix.O_CLOEXEC), program.Int(0))
	if s.IfExists {
		c.b.Else(done, unix.ENOENT, unix.ENOTDIR)
	}
	added := c.b.Reg()
	rule := c.beneath(allowed, at)
	c.b.ResultIn(added, unix.SYS_LANDLOCK_ADD_RULE, ruleset.Arg(), program.Int(unix.LANDLOCK_RULE_PATH_BENEATH), rule, program.Int(0))
	if allowed&^ofFiles != 0 && allowed&ofFiles != 0 {
		c.b.Tolerate(unix.EINVAL)
		closing := c.b.Label()
		c.b.SkipIf(added, closing)
		rule = c.beneath(allowed&ofFiles, at)
		c.b.Call(unix.SYS_LANDLOCK_ADD_RULE, ruleset.Arg(), program.Int(unix.LANDLOCK_RULE_PATH_BENEATH), rule, program.Int(0))
		c.b.Place(closing)
	}
	c.close(at)
	c.b.Place(done)
}

// beneath returns the address of a struct landlock_path_beneath_attr, which is
// packed: the rights, and the descriptor of the directory.
func (c *compiler) beneath(allowed uint64, dir program.Reg) program.Arg {
	rule := c.b.Bytes(append(binary.NativeEndian.AppendUint64(nil, allowed), 0, 0, 0, 0))
	c.b.Store32(rule.Plus(8), dir.Arg())
	return rule
}

func (c *compiler) allowPort(ruleset program.Reg, s ns.Step) {
	port, _ := strconv.ParseUint(s.Target, 10, 16)
	attr := struct{ allowed, port uint64 }{port: port} // struct landlock_net_port_attr
	for word := range strings.SplitSeq(s.Data, ",") {
		attr.allowed |= scopes[word].net
	}
	c.b.Call(unix.SYS_LANDLOCK_ADD_RULE, ruleset.Arg(), program.Int(program.RuleNetPort), program.Struct(&c.b, &attr), program.Int(0))
}

// enterDomain has the ruleset hold from here on.
func (c *compiler) enterDomain(ruleset program.Reg) {
	if ruleset != 0 {
		i := c.find(ns.OpLandlock)
		c.b.Begin(i, titleOf(c.cfg.Steps[i])+": enter the domain")
		c.b.Call(unix.SYS_LANDLOCK_RESTRICT_SELF, ruleset.Arg(), program.Int(0))
		c.b.Begin(-1, "execute "+c.cfg.Command.Argv[0])
	}
}

// checkConfinement checks a step that restricts the process. That of a plan was
// checked by package ns.
func (c *compiler) checkConfinement(s ns.Step) {
	var err error
	switch s.Op {
	case ns.OpRlimit:
		if _, ok := ns.RlimitNumber(s.Target); !ok {
			c.refuse("%s: no such limit", Words(s))
		}
		_, _, err = ns.ParseRlimit(s.Data)
	case ns.OpCaps:
		_, err = ns.ParseCaps(s.Data)
	case ns.OpSeccomp:
		_, _, err = ns.ParseFilter(s.Data)
	case ns.OpLandlock:
		c.checkWords(s, ns.LandlockScopes)
	case ns.OpLandlockPath:
		c.checkWords(s, ns.LandlockAccesses)
		c.checkPath(s, "target", s.Target)
	case ns.OpLandlockPort:
		c.checkWords(s, ns.LandlockPorts)
		_, err = strconv.ParseUint(s.Target, 10, 16)
	}
	if err != nil {
		c.refuse("%s: %v", Words(s), err)
	}
}

func (c *compiler) checkWords(s ns.Step, allowed []string) {
	for word := range strings.SplitSeq(s.Data, ",") {
		if !slices.Contains(allowed, word) {
			c.refuse("%s: unknown word %q", Words(s), word)
		}
	}
}
