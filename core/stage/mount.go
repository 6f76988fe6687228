// SPDX-License-Identifier: Apache-2.0

package stage

import (
	"strings"

	"github.com/nsrun/nsrun/core/stage/program"
	"github.com/nsrun/nsrun/ns"
	"golang.org/x/sys/unix"
)

// attrBits holds the attributes of mounts; mount_setattr(2).
var attrBits = map[ns.Attr]uint64{
	ns.ReadOnly: unix.MOUNT_ATTR_RDONLY, ns.NoSUID: unix.MOUNT_ATTR_NOSUID,
	ns.NoDev: unix.MOUNT_ATTR_NODEV, ns.NoExec: unix.MOUNT_ATTR_NOEXEC,
	ns.NoAtime: unix.MOUNT_ATTR_NOATIME, ns.StrictTime: unix.MOUNT_ATTR_STRICTATIME,
}

// propagations holds what a mount tree's propagation can be set to.
var propagations = map[string]uint64{
	"private": unix.MS_PRIVATE, "slave": unix.MS_SLAVE, "shared": unix.MS_SHARED, "unbindable": unix.MS_UNBINDABLE,
}

func attrsOf(list []ns.Attr) (bits uint64) {
	for _, a := range list {
		bits |= attrBits[a]
	}
	return bits
}

func (c *compiler) setPropagation(s ns.Step) { c.propagation(s.Target, propagations[s.Data]) }

func (c *compiler) propagation(target string, value uint64) {
	c.setattr(cwd, target, unix.AT_RECURSIVE, &unix.MountAttr{Propagation: value})
}

func (c *compiler) setattr(dir program.Arg, p string, flags int, attr *unix.MountAttr) {
	c.b.Call(unix.SYS_MOUNT_SETATTR, dir, c.b.String(p), program.Int(flags),
		program.Struct(&c.b, attr), program.Int(unix.MOUNT_ATTR_SIZE_VER0))
}

// setAttrs sets attributes on a whole tree that isn't attached yet, so that it
// is never seen without them. Attributes are only added: in a user namespace
// those that a mount has from outside are locked, and clearing one of them would
// be refused; mount_namespaces(7).
func (c *compiler) setAttrs(tree program.Reg, attrs []ns.Attr) {
	attr := unix.MountAttr{Attr_set: attrsOf(attrs)}
	if attr.Attr_set == 0 {
		return
	}
	if attr.Attr_set&unix.MOUNT_ATTR__ATIME != 0 {
		attr.Attr_clr = unix.MOUNT_ATTR__ATIME // a field of several bits, set as a whole
	}
	c.setattr(tree.Arg(), "", unix.AT_EMPTY_PATH|unix.AT_RECURSIVE, &attr)
}

// attach mounts the tree on the place at.
func (c *compiler) attach(tree, at program.Reg) {
	c.b.Call(unix.SYS_MOVE_MOUNT, tree.Arg(), c.b.String(""), at.Arg(), c.b.String(""),
		program.Int(unix.MOVE_MOUNT_F_EMPTY_PATH|unix.MOVE_MOUNT_T_EMPTY_PATH))
}

const cloneTree = unix.OPEN_TREE_CLONE | unix.OPEN_TREE_CLOEXEC

func (c *compiler) bind(s ns.Step) {
	want := c.sourceNode(s)
	tree, early := c.source[c.index]
	if !early {
		tree = c.cloneSource(s)
	}
	if s.IfExists {
		c.b.SkipUnless(tree, c.skip)
	}
	c.setAttrs(tree, s.Attrs)
	at := c.target(s, want)
	c.attach(tree, at)
	c.close(at)
	c.close(tree)
	c.tree.add(mounted{target: s.Target})
}

// cloneSource returns the register with a copy of the mounts that s is to mount.
func (c *compiler) cloneSource(s ns.Step) program.Reg {
	tree := c.b.Result(unix.SYS_OPEN_TREE, cwd, c.b.String(s.Source), program.Int(cloneTree|unix.AT_RECURSIVE))
	if s.IfExists {
		c.b.Tolerate(unix.ENOENT, unix.ENOTDIR)
	}
	c.idMap(tree, s.Attrs)
	return tree
}

// mount mounts a new file system. If it is an empty one that can be written to,
// mount points can be created in it from here on.
//
// The place comes first: a file system that has been made for a place that isn't
// there would have to be unmounted, for which the kernel waits (synchronize_rcu).
func (c *compiler) mount(s ns.Step) {
	at := c.target(s, mountDir)
	tree := c.newFS(s)
	c.attach(tree, at)
	c.close(at)
	m := mounted{target: s.Target}
	if empty[s.FSType] && attrsOf(s.Attrs)&unix.MOUNT_ATTR_RDONLY == 0 {
		m.ours = tree
	} else {
		c.close(tree)
	}
	c.tree.add(m)
}

// empty holds the file systems that are made anew for each mount.
var empty = map[string]bool{"tmpfs": true, "ramfs": true}

// newFS makes a file system as s says, and returns the register with it.
func (c *compiler) newFS(s ns.Step) program.Reg {
	fs := c.b.Result(unix.SYS_FSOPEN, c.b.String(s.FSType), program.Int(unix.FSOPEN_CLOEXEC))
	c.b.Explain(fs)
	defer c.b.Explain(0)
	source := s.Source
	if source == "" {
		source = s.FSType // what mountinfo shows, where none is needed
	}
	c.fsconfig(fs, "source", source, true)
	for _, option := range splitOptions(s.Data) {
		key, value, isString := strings.Cut(option, "=")
		c.fsconfig(fs, key, value, isString)
	}
	c.b.Call(unix.SYS_FSCONFIG, fs.Arg(), program.Int(unix.FSCONFIG_CMD_CREATE), program.Int(0), program.Int(0), program.Int(0))
	tree := c.b.Result(unix.SYS_FSMOUNT, fs.Arg(), program.Int(unix.FSMOUNT_CLOEXEC), program.Uint(attrsOf(s.Attrs)))
	c.close(fs)
	return tree
}

func (c *compiler) fsconfig(fs program.Reg, key, value string, isString bool) {
	if isString {
		c.b.Call(unix.SYS_FSCONFIG, fs.Arg(), program.Int(unix.FSCONFIG_SET_STRING), c.b.String(key), c.b.String(value), program.Int(0))
		return
	}
	c.b.Call(unix.SYS_FSCONFIG, fs.Arg(), program.Int(unix.FSCONFIG_SET_FLAG), c.b.String(key), program.Int(0), program.Int(0))
}

// splitOptions splits mount options at their commas. A comma after a backslash
// belongs to the option, as in mount(8).
func splitOptions(data string) []string {
	var options []string
	var b strings.Builder
	for i := 0; i < len(data); i++ {
		switch {
		case data[i] == '\\' && i+1 < len(data) && data[i+1] == ',':
			i++
			b.WriteByte(',')
		case data[i] == ',':
			options = append(options, b.String())
			b.Reset()
		default:
			b.WriteByte(data[i])
		}
	}
	if b.Len() > 0 {
		options = append(options, b.String())
	}
	return options
}
