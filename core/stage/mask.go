// SPDX-License-Identifier: Apache-2.0

package stage

import (
	"github.com/nsrun/nsrun/core/stage/program"
	"github.com/nsrun/nsrun/ns"
	"golang.org/x/sys/unix"
)

var maskAttrs = []ns.Attr{ns.ReadOnly, ns.NoSUID, ns.NoDev, ns.NoExec}

// mask hides a path behind an empty directory, or an empty file if it is none.
// Both are of a file system of the run's own. /dev/null, which others use, could
// be anything in a root directory that isn't trusted.
func (c *compiler) mask(s ns.Step) {
	c.makeMasks() // first of all, since the rest may be left out when it is carried out
	at := c.target(s, node{kind: anyNode})
	file, done := c.b.Label(), c.b.Label()
	isDir := c.b.Result(unix.SYS_OPENAT, at.Arg(), c.b.String("."), program.Int(unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC), program.Int(0))
	c.b.Tolerate(unix.ENOTDIR)
	c.b.SkipUnless(isDir, file)
	c.close(isDir)
	c.cover(at, "dir")
	c.b.SkipIf(at, done)
	c.b.Place(file)
	c.cover(at, "file")
	c.b.Place(done)
	c.close(at)
	c.tree.add(mounted{target: s.Target})
}

// makeMasks makes the file system that masks are taken from, once. Linux clones
// out of one that isn't attached since 6.15 and answers EINVAL before; then it is
// attached until dropMasks, on top of the root, where nobody looks.
func (c *compiler) makeMasks() {
	if c.masks != 0 {
		return
	}
	c.masks = c.newFS(ns.Step{FSType: "tmpfs", Data: "mode=0755", Attrs: []ns.Attr{ns.NoSUID, ns.NoDev, ns.NoExec}})
	dir := c.b.String("dir")
	c.b.Call(unix.SYS_MKDIRAT, c.masks.Arg(), dir, program.Int(0o555))
	file := c.b.Result(unix.SYS_OPENAT, c.masks.Arg(), c.b.String("file"),
		program.Int(unix.O_CREAT|unix.O_EXCL|unix.O_WRONLY|unix.O_CLOEXEC), program.Int(0o444))
	c.close(file)
	cloned := c.b.Label()
	probe := c.b.Result(unix.SYS_OPEN_TREE, c.masks.Arg(), dir, program.Int(cloneTree))
	c.b.Tolerate(unix.EINVAL)
	c.b.SkipIf(probe, cloned)
	c.attachOnRoot(c.masks)
	c.b.Place(cloned)
}

// dropMasks ends what makeMasks began, after the last mask of the plan.
func (c *compiler) dropMasks() {
	c.b.Call(unix.SYS_FCHDIR, c.masks.Arg())
	c.b.Call(unix.SYS_UMOUNT2, c.b.String("."), program.Int(unix.MNT_DETACH))
	c.b.Tolerate(unix.EINVAL) // it wasn't attached
	c.b.Call(unix.SYS_CHDIR, c.b.String("/"))
	c.close(c.masks)
	c.masks = 0
}

// cover mounts the mask called name on at.
func (c *compiler) cover(at program.Reg, name string) {
	tree := c.b.Result(unix.SYS_OPEN_TREE, c.masks.Arg(), c.b.String(name), program.Int(cloneTree))
	c.setAttrs(tree, maskAttrs)
	c.attach(tree, at)
	c.close(tree)
}

// remount covers a path with itself and more attributes: those of the mount that
// it lies in hold for much else.
func (c *compiler) remount(s ns.Step) {
	at := c.target(s, node{kind: anyNode})
	tree := c.b.Result(unix.SYS_OPEN_TREE, at.Arg(), c.b.String(""), program.Int(cloneTree|unix.AT_RECURSIVE|unix.AT_EMPTY_PATH))
	c.setAttrs(tree, s.Attrs)
	c.attach(tree, at)
	c.close(tree)
	c.close(at)
	c.tree.add(mounted{target: s.Target})
}
