// SPDX-License-Identifier: Apache-2.0

package stage

import (
	"io/fs"
	"path"
	"strings"

	"github.com/nsrun/nsrun/core/stage/program"
	"github.com/nsrun/nsrun/ns"
	"golang.org/x/sys/unix"
)

// node says what a mount point must be, or is to become.
type node struct {
	kind nodeKind
	mode uint32 // permission bits of one that is created
}

type nodeKind int

const (
	anyNode nodeKind = iota // unknown here; it can't be created
	dirNode
	fileNode
)

var mountDir = node{dirNode, 0o755}
var mountFile = node{fileNode, 0o644}

// target adds the instructions that find the target of s below the root, and
// create it where that is allowed. It returns the register with an O_PATH
// descriptor of it.
func (c *compiler) target(s ns.Step, want node) program.Reg {
	in := c.tree.at(s.Target)
	at, found := c.b.Reg(), c.b.Label()
	tries, last := attempts(want), uint64(0)
	create := in.ours != 0 && want.kind != anyNode
	if !create {
		c.checkOnHost(in, s, want)
		tries, last = tries[:len(tries)-1], tries[len(tries)-1]
	}
	for _, flags := range tries {
		c.openPath(at, s.Target, flags)
		c.b.Tolerate(unix.ENOENT)
		c.b.SkipIf(at, found)
	}
	if create {
		c.create(in, s.Target, want)
	}
	c.openPath(at, s.Target, last)
	if s.IfExists && !create {
		c.b.Else(c.skip, unix.ENOENT, unix.ENOTDIR)
	}
	c.b.Place(found)
	return at
}

// attempts returns the flags with which to look for a target, one after the
// other. A file may be mounted on a symbolic link that leads nowhere, as
// /etc/resolv.conf does in many a root directory: the mount then stands in place
// of the link.
func attempts(want node) []uint64 {
	if want.kind == fileNode {
		return []uint64{0, unix.O_NOFOLLOW}
	}
	return []uint64{0}
}

// openPath opens the path p of the new root for use as a place: O_PATH.
func (c *compiler) openPath(to program.Reg, p string, flags uint64) {
	how := unix.OpenHow{Flags: unix.O_PATH | unix.O_CLOEXEC | flags, Resolve: unix.RESOLVE_NO_MAGICLINKS}
	dir := cwd
	if c.root != 0 {
		// Until the pivot, symbolic links in the new root mustn't lead out of it.
		dir, how.Resolve = c.root.Arg(), how.Resolve|unix.RESOLVE_IN_ROOT
	}
	c.openat2(to, dir, p, how)
}

// cwd stands for the working directory, and for none in front of an absolute path.
var cwd = program.Int(unix.AT_FDCWD)

func (c *compiler) openat2(to program.Reg, dir program.Arg, p string, how unix.OpenHow) {
	c.b.ResultIn(to, unix.SYS_OPENAT2, dir, c.b.String(p), program.Struct(&c.b, &how), program.Int(unix.SizeofOpenHow))
}

// checkOnHost refuses a target that would have to be created on the host.
func (c *compiler) checkOnHost(in mounted, s ns.Step, want node) {
	if !in.host || s.Phase == ns.Inside {
		return
	}
	info, err := c.host.Stat(s.Target)
	if err != nil && want.kind == fileNode {
		info, err = c.host.Lstat(s.Target)
	}
	switch {
	case err != nil:
		c.problem(&ns.Diagnostic{
			Summary: Words(s) + ": " + causeOf(err),
			Detail:  s.Target + " would have to be created in the host's own tree",
			Hint:    "put a --tmpfs above it first, or choose a root of your own with --rootfs",
		})
	case want.kind == dirNode && !info.IsDir():
		c.refuse("%s: %s is not a directory", Words(s), s.Target)
	case want.kind == fileNode && info.IsDir():
		c.refuse("%s: %s is a directory", Words(s), s.Target)
	}
}

// create adds the instructions that create p and the directories above it in
// the mount in. Nothing is created elsewhere, wherever symbolic links lead:
// each directory is found with openat2(2), which must not leave the mount.
func (c *compiler) create(in mounted, p string, want node) {
	rel := relative(in.target, p)
	c.inParent(in, rel, func(parent program.Arg, name program.Arg) {
		if want.kind == dirNode {
			c.b.Call(unix.SYS_MKDIRAT, parent, name, program.Uint(uint64(want.mode)))
			c.b.Tolerate(unix.EEXIST)
			return
		}
		flags := unix.O_CREAT | unix.O_EXCL | unix.O_NOFOLLOW | unix.O_WRONLY | unix.O_CLOEXEC
		fd := c.b.Result(unix.SYS_OPENAT, parent, name, program.Int(flags), program.Uint(uint64(want.mode)))
		made := c.b.Label()
		c.b.Else(made, unix.EEXIST)
		c.close(fd)
		c.b.Place(made)
	})
}

// inParent makes the directories above rel in the mount in, and calls emit with
// a descriptor of the last one and the name of rel in it.
func (c *compiler) inParent(in mounted, rel string, emit func(parent, name program.Arg)) {
	dir, name := path.Split(rel)
	dir = strings.TrimSuffix(dir, "/")
	if dir == "" {
		emit(in.ours.Arg(), c.b.String(name))
		return
	}
	c.inParent(in, dir, func(parent, name program.Arg) {
		c.b.Call(unix.SYS_MKDIRAT, parent, name, program.Int(0o755))
		c.b.Tolerate(unix.EEXIST)
	})
	parent := c.b.Reg()
	c.openat2(parent, in.ours.Arg(), dir, unix.OpenHow{
		Flags:   unix.O_PATH | unix.O_DIRECTORY | unix.O_CLOEXEC,
		Resolve: unix.RESOLVE_IN_ROOT | unix.RESOLVE_NO_XDEV | unix.RESOLVE_NO_MAGICLINKS,
	})
	emit(parent.Arg(), c.b.String(name))
	c.close(parent)
}

func (c *compiler) close(fd program.Reg) { c.b.Call(unix.SYS_CLOSE, fd.Arg()) }

// leftOut reports whether s is to be left out since what it needs isn't there.
func (c *compiler) leftOut(s ns.Step) bool {
	if !s.IfExists || s.Phase == ns.Inside {
		return false
	}
	if s.Op == ns.OpFile && s.Source != "" && c.cfg.Inputs != nil && !c.cfg.Inputs.has(s.Source) {
		return true
	}
	if s.Op == ns.OpBind {
		if _, err := c.host.Stat(s.Source); err != nil {
			return true
		}
	}
	if kind, _ := s.Op.Needs(); kind != ns.Mount || !c.tree.at(s.Target).host {
		return false
	}
	_, err := c.host.Lstat(s.Target)
	return err != nil
}

// sourceNode returns what the mount point for the source of s must be.
func (c *compiler) sourceNode(s ns.Step) node {
	if s.Phase == ns.Inside {
		return node{kind: anyNode}
	}
	info, err := c.host.Stat(s.Source)
	switch {
	case err != nil:
		c.problem(&ns.Diagnostic{Summary: Words(s) + ": " + causeOf(err), Detail: "there is no " + s.Source})
		return node{kind: anyNode}
	case info.IsDir():
		return mountDir
	}
	return mountFile
}

// modeOf returns the permission bits that s asks for, or fallback.
func modeOf(s ns.Step, fallback fs.FileMode) uint32 {
	if s.Mode == 0 {
		return uint32(fallback)
	}
	return s.Mode
}
