// SPDX-License-Identifier: Apache-2.0

package stage

import (
	"fmt"
	"io/fs"
	"path"

	"github.com/nsrun/nsrun/core/stage/program"
	"github.com/nsrun/nsrun/ns"
	"golang.org/x/sys/unix"
)

// maxShadow is how many entries a directory may have to be shadowed: each costs
// half a dozen system calls and a mount.
const maxShadow = 512

// shadow makes room for the directory target in the host's own tree, where
// nothing may be created: a directory in memory takes the place of the one above
// it, and shows all that this one holds.
func (c *compiler) shadow(s ns.Step) {
	dir, info := c.aboveOnHost(s.Target)
	if dir == "/" {
		return // it can't be replaced: target tells
	}
	entries, err := c.host.ReadDir(dir)
	if err != nil || len(entries) > maxShadow {
		return
	}
	old := c.b.Reg()
	c.openPath(old, dir, unix.O_DIRECTORY)
	tmp := c.newFS(ns.Step{FSType: "tmpfs", Data: fmt.Sprintf("mode=%04o", modeBits(info.Mode())), Attrs: []ns.Attr{ns.NoSUID, ns.NoDev}})
	c.attach(tmp, old)
	for _, e := range entries {
		c.showAgain(old, tmp, dir, e)
	}
	c.close(old)
	c.tree.add(mounted{target: dir, ours: tmp})
}

// aboveOnHost returns the nearest directory above p that the host has.
func (c *compiler) aboveOnHost(p string) (dir string, info fs.FileInfo) {
	for dir = path.Dir(p); dir != "/"; dir = path.Dir(dir) {
		if info, err := c.host.Stat(dir); err == nil && info.IsDir() {
			return dir, info
		}
	}
	return dir, nil
}

// modeBits returns permission bits as the kernel has them.
func modeBits(m fs.FileMode) uint32 {
	bits := uint32(m.Perm())
	if m&fs.ModeSticky != 0 {
		bits |= unix.S_ISVTX
	}
	return bits
}

// showAgain has an entry of the directory old seen in tmp, which covers it. One
// that is gone meanwhile is left out.
func (c *compiler) showAgain(old, tmp program.Reg, dir string, e fs.DirEntry) {
	name := c.b.String(e.Name())
	if e.Type()&fs.ModeSymlink != 0 {
		if to, err := c.host.Readlink(path.Join(dir, e.Name())); err == nil {
			c.b.Call(unix.SYS_SYMLINKAT, c.b.String(to), tmp.Arg(), name)
		}
		return
	}
	gone := c.b.Label()
	tree := c.b.Result(unix.SYS_OPEN_TREE, old.Arg(), name, program.Int(cloneTree|unix.AT_RECURSIVE|unix.AT_SYMLINK_NOFOLLOW))
	c.b.Else(gone, unix.ENOENT)
	if e.IsDir() {
		c.b.Call(unix.SYS_MKDIRAT, tmp.Arg(), name, program.Int(0o755))
	} else {
		c.close(c.b.Result(unix.SYS_OPENAT, tmp.Arg(), name, program.Int(unix.O_CREAT|unix.O_EXCL|unix.O_WRONLY|unix.O_CLOEXEC), program.Int(0o644)))
	}
	c.b.Call(unix.SYS_MOVE_MOUNT, tree.Arg(), c.b.String(""), tmp.Arg(), name, program.Int(unix.MOVE_MOUNT_F_EMPTY_PATH))
	c.close(tree)
	c.b.Place(gone)
}
