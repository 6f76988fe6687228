// SPDX-License-Identifier: Apache-2.0

package stage

import (
	"github.com/nsrun/nsrun/core/stage/program"
	"github.com/nsrun/nsrun/ns"
	"golang.org/x/sys/unix"
)

// openRootfs returns the register with the directory s.Source.
func (c *compiler) openRootfs(s ns.Step) program.Reg {
	info, err := c.host.Stat(s.Source)
	switch {
	case err != nil:
		c.problem(&ns.Diagnostic{Summary: Words(s) + ": " + causeOf(err)})
	case !info.IsDir():
		c.problem(&ns.Diagnostic{Summary: Words(s) + ": not a directory"})
	}
	dir := c.b.Reg()
	c.openat2(dir, cwd, s.Source, unix.OpenHow{
		Flags: unix.O_PATH | unix.O_DIRECTORY | unix.O_CLOEXEC, Resolve: unix.RESOLVE_NO_MAGICLINKS,
	})
	return dir
}

// enterRootfs makes a mount of the directory that openRootfs opened, as pivot_root(2)
// needs one, and keeps a descriptor that later targets are resolved below.
func (c *compiler) enterRootfs(s ns.Step) {
	dir := c.source[c.index]
	tree := c.b.Result(unix.SYS_OPEN_TREE, dir.Arg(), c.b.String(""), program.Int(cloneTree|unix.AT_RECURSIVE|unix.AT_EMPTY_PATH))
	c.idMap(tree, s.Attrs)
	c.setAttrs(tree, s.Attrs)
	c.attach(tree, dir)
	c.close(dir)
	c.root = tree
	c.tree.add(c.rootMount(s, tree))
}

// rootMount describes the root directory. The host's own root, and one that is
// read-only, are not for creating files in.
func (c *compiler) rootMount(s ns.Step, root program.Reg) mounted {
	if s.Source == "/" {
		return mounted{target: "/", host: true}
	}
	if attrsOf(s.Attrs)&unix.MOUNT_ATTR_RDONLY != 0 {
		return mounted{target: "/"}
	}
	return mounted{target: "/", ours: root}
}

// pivot makes the new root the root directory. pivot_root(".", ".") puts the old
// root on top of the new one, at the same place, and the next call unmounts it
// from there; pivot_root(2). The old root is gone then, and not merely hidden.
func (c *compiler) pivot(ns.Step) {
	here := c.b.String(".")
	c.b.Call(unix.SYS_FCHDIR, c.root.Arg())
	c.b.Call(unix.SYS_PIVOT_ROOT, here, here)
	c.b.Call(unix.SYS_UMOUNT2, here, program.Int(unix.MNT_DETACH))
	c.b.Call(unix.SYS_CHDIR, c.b.String("/"))
	c.root = 0
}
