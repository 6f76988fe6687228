// SPDX-License-Identifier: Apache-2.0

package stage

import (
	"strings"

	"github.com/nsrun/nsrun/core/stage/program"
	"github.com/nsrun/nsrun/ns"
	"golang.org/x/sys/unix"
)

// overlay attaches what newOverlay made. Mount points can be created in it:
// like all that is written to it, they go to the upper directory.
func (c *compiler) overlay(s ns.Step) {
	tree := c.source[c.index]
	at := c.target(s, mountDir)
	c.attach(tree, at)
	c.close(at)
	m := mounted{target: s.Target}
	if attrsOf(s.Attrs)&unix.MOUNT_ATTR_RDONLY == 0 {
		m.ours = tree
	}
	c.tree.add(m)
}

// newOverlay makes an overlay of the directory s.Source, before any step changes
// what is seen there. Its upper and work directories are named as seen from the
// working directory, so that no name of theirs has to be found below a root
// directory that others may write to.
func (c *compiler) newOverlay(s ns.Step) program.Reg {
	c.wantDir(s, s.Source)
	upper := c.upperDir(s)
	for _, name := range []string{"upper", "work"} {
		c.b.Call(unix.SYS_MKDIRAT, upper.Arg(), c.b.String(name), program.Int(0o755))
		c.b.Tolerate(unix.EEXIST)
	}
	c.b.Call(unix.SYS_FCHDIR, upper.Arg())
	tree := c.newFS(ns.Step{FSType: "overlay", Attrs: s.Attrs, Data: c.overlayOptions(s.Source)})
	if s.Data == "" {
		// The overlay has mounts of its own of what it needs.
		c.b.Call(unix.SYS_UMOUNT2, c.b.String("."), program.Int(unix.MNT_DETACH))
	}
	c.b.Call(unix.SYS_CHDIR, c.b.String("/"))
	c.close(upper)
	return tree
}

// upperDir returns the register with the directory that changes go to. One in
// memory has to be attached for the moment, since Linux before 6.15 takes no
// other for an overlay; it is on top of the root, where nobody looks.
func (c *compiler) upperDir(s ns.Step) program.Reg {
	if s.Data == "" {
		tmp := c.newFS(ns.Step{FSType: "tmpfs", Data: "mode=0755", Attrs: []ns.Attr{ns.NoSUID, ns.NoDev}})
		c.attachOnRoot(tmp)
		return tmp
	}
	c.wantDir(s, s.Data)
	dir := c.b.Reg()
	c.openat2(dir, cwd, s.Data, unix.OpenHow{
		Flags: unix.O_PATH | unix.O_DIRECTORY | unix.O_CLOEXEC, Resolve: unix.RESOLVE_NO_MAGICLINKS,
	})
	return dir
}

func (c *compiler) wantDir(s ns.Step, p string) {
	info, err := c.host.Stat(p)
	switch {
	case err != nil:
		c.problem(&ns.Diagnostic{Summary: Words(s) + ": " + causeOf(err), Detail: "there is no " + p})
	case !info.IsDir():
		c.refuse("%s: %s is not a directory", Words(s), p)
	}
}

// overlayOptions returns the options of an overlay. In a user namespace what
// overlayfs notes of a file goes to attributes that don't need privilege.
func (c *compiler) overlayOptions(lower string) string {
	escaped := strings.NewReplacer(`\`, `\\`, ":", `\:`).Replace(lower)
	options := "lowerdir=" + strings.ReplaceAll(escaped, ",", `\,`) + ",upperdir=upper,workdir=work"
	if c.has(ns.User) {
		options += ",userxattr"
	}
	return options
}
