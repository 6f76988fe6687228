// SPDX-License-Identifier: Apache-2.0

package stage

import (
	"errors"
	"io/fs"

	"github.com/nsrun/nsrun/core/stage/program"
	"github.com/nsrun/nsrun/ns"
	"golang.org/x/sys/unix"
)

// file mounts a file with given content: it is the only file of a tmpfs of its
// own, of which nothing but that file is ever attached to the tree. What the
// caller gave belongs to the user of the command.
func (c *compiler) file(s ns.Step) {
	tmp := c.newFS(ns.Step{FSType: "tmpfs", Attrs: []ns.Attr{ns.NoSUID, ns.NoDev}})
	name := c.b.String("file")
	fd := c.b.Result(unix.SYS_OPENAT, tmp.Arg(), name, program.Int(unix.O_CREAT|unix.O_EXCL|unix.O_WRONLY|unix.O_CLOEXEC),
		program.Uint(uint64(modeOf(s, 0o644))))
	c.fill(fd, s)
	if user := c.cfg.Command.User; s.Source != "" && user != nil {
		c.b.Call(unix.SYS_FCHOWN, fd.Arg(), program.Uint(uint64(user.UID)), program.Uint(uint64(user.GID)))
	}
	c.close(fd)
	tree := c.cloneFile(tmp, name)
	c.close(tmp)
	c.setAttrs(tree, []ns.Attr{ns.ReadOnly})
	at := c.target(s, mountFile)
	c.attach(tree, at)
	c.close(at)
	c.close(tree)
	c.tree.add(mounted{target: s.Target})
}

// fill writes the content of s to fd.
func (c *compiler) fill(fd program.Reg, s ns.Step) {
	switch {
	case s.Source != "" && c.cfg.Inputs != nil:
		at := c.cfg.Inputs.at[s.Source]
		c.b.Call(unix.SYS_SENDFILE, fd.Arg(), program.Int(c.cfg.Inputs.fd()), c.b.Words(uint64(at.offset)), program.Uint(uint64(at.size)))
		c.b.Full(3)
	case s.Source != "":
		// To be shown only: nothing was read, and so nobody knows how much it is.
		c.b.Call(unix.SYS_SENDFILE, fd.Arg(), program.Int(-1), program.Int(0), program.Int(0))
	case s.Data != "":
		c.b.Call(unix.SYS_WRITE, fd.Arg(), c.b.Bytes([]byte(s.Data)), program.Int(len(s.Data)))
		c.b.Full(2)
	}
}

// cloneFile returns a mount of the file called name in tmp, which isn't attached
// anywhere. Linux clones out of such a tree since 6.15 and answers EINVAL before;
// then the tree is attached for the moment, on top of the root, where nobody looks.
func (c *compiler) cloneFile(tmp program.Reg, name program.Arg) program.Reg {
	tree := c.b.Result(unix.SYS_OPEN_TREE, tmp.Arg(), name, program.Int(cloneTree))
	c.b.Tolerate(unix.EINVAL)
	done := c.b.Label()
	c.b.SkipIf(tree, done)
	c.attachOnRoot(tmp)
	c.b.ResultIn(tree, unix.SYS_OPEN_TREE, tmp.Arg(), name, program.Int(cloneTree))
	c.b.Call(unix.SYS_FCHDIR, tmp.Arg())
	c.b.Call(unix.SYS_UMOUNT2, c.b.String("."), program.Int(unix.MNT_DETACH))
	c.b.Place(done)
	return tree
}

func (c *compiler) attachOnRoot(tree program.Reg) {
	if c.root != 0 {
		c.attach(tree, c.root)
		return
	}
	c.b.Call(unix.SYS_MOVE_MOUNT, tree.Arg(), c.b.String(""), cwd, c.b.String("/"), program.Int(unix.MOVE_MOUNT_F_EMPTY_PATH))
}

func (c *compiler) mkdir(s ns.Step) {
	if c.missingOnHost(s) {
		c.shadow(s)
	}
	c.close(c.target(s, node{dirNode, modeOf(s, 0o755)}))
}

// missingOnHost reports whether the target of s would have to be created in the
// host's own tree.
func (c *compiler) missingOnHost(s ns.Step) bool {
	if s.Phase == ns.Inside || !c.tree.at(s.Target).host {
		return false
	}
	_, err := c.host.Lstat(s.Target)
	return errors.Is(err, fs.ErrNotExist)
}

func (c *compiler) symlink(s ns.Step) {
	in := c.tree.at(s.Target)
	if in.ours == 0 {
		c.problem(&ns.Diagnostic{
			Summary: Words(s) + ": operation not permitted",
			Detail:  s.Target + " would be created in the host's own tree",
			Hint:    "put a --tmpfs above it first, or choose a root of your own with --rootfs",
		})
		return
	}
	c.inParent(in, relative(in.target, s.Target), func(parent, name program.Arg) {
		to := c.b.String(s.Data)
		made := c.b.Label()
		there := c.b.Reg()
		c.b.ResultIn(there, unix.SYS_SYMLINKAT, to, parent, name)
		c.b.Tolerate(unix.EEXIST)
		c.b.SkipIf(there, made)
		// A link that was made by an earlier run is as good.
		found := c.b.Bytes(make([]byte, len(s.Data)+1))
		c.b.Call(unix.SYS_READLINKAT, parent, name, found, program.Int(len(s.Data)+1))
		c.b.Tolerate(unix.EINVAL) // no link: what is found is empty
		c.b.Same(to, found, len(s.Data)+1)
		c.b.Place(made)
	})
}
