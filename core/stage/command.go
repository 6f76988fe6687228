// SPDX-License-Identifier: Apache-2.0

package stage

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"

	"github.com/nsrun/nsrun/core/stage/program"
	"github.com/nsrun/nsrun/ns"
	"golang.org/x/sys/unix"
)

// command adds what comes after the last step.
func (c *compiler) command() {
	cmd := &c.cfg.Command
	c.b.Begin(-1, "wait for the word to start")
	c.b.Do(program.Await)
	c.takeConsole()
	restrictInit := c.startInit()
	c.takeForeground()
	ruleset := c.makeRuleset()
	c.setLimits()
	c.dropCaps()
	if cmd.User != nil {
		c.b.Begin(-1, fmt.Sprintf("become user %d and group %d", cmd.User.UID, cmd.User.GID))
		c.keepCapsAcross()
		c.become(cmd.User)
	}
	c.chdir(cmd.Dir)
	c.setCaps()
	c.b.Begin(-1, "execute "+cmd.Argv[0])
	if c.umask != 0 {
		c.b.Call(unix.SYS_UMASK, c.umask.Arg())
	}
	if cmd.NoNewPrivs {
		c.prctl(unix.PR_SET_NO_NEW_PRIVS, 1)
	}
	c.restoreOpenFiles()
	c.enterDomain(ruleset)
	// Only descriptors 0 to 2 reach the command, whatever nsrun was started with.
	c.b.Call(unix.SYS_CLOSE_RANGE, program.Int(3), program.Uint(1<<32-1), program.Int(unix.CLOSE_RANGE_CLOEXEC))
	c.b.Do(program.Mask)
	c.installFilter()
	c.b.Clock(false)
	c.exec(cmd)
	restrictInit()
}

// takeConsole makes the terminal of standard input the controlling one of a new
// session; ioctl_tty(2), TIOCSCTTY. A command with other ids than the caller's
// may open it again, by /dev/stdin.
func (c *compiler) takeConsole() {
	cmd := &c.cfg.Command
	if !cmd.Console {
		return
	}
	c.b.Begin(-1, "take the terminal")
	c.b.Call(unix.SYS_SETSID)
	c.b.Call(unix.SYS_IOCTL, program.Int(0), program.Uint(unix.TIOCSCTTY), program.Int(0))
	if cmd.User != nil {
		c.b.Call(unix.SYS_FCHOWN, program.Int(0), program.Uint(uint64(cmd.User.UID)), program.Uint(1<<32-1))
		c.b.Tolerate(unix.EPERM, unix.EINVAL)
	}
}

// takeForeground makes the command of an init a job of its own. The init stays in
// its session, so that the kernel lets the key stop it that does so anywhere;
// setpgid(2), "orphaned process group".
func (c *compiler) takeForeground() {
	if !c.cfg.Command.Console || !c.splits() {
		return
	}
	c.b.Begin(-1, "come to the foreground of the terminal")
	c.b.Call(unix.SYS_SETPGID, program.Int(0), program.Int(0))
	group := c.b.Words(0)
	c.b.Store32(group, c.b.Result(unix.SYS_GETPID).Arg())
	c.b.Call(unix.SYS_IOCTL, program.Int(0), program.Uint(unix.TIOCSPGRP), group)
}

func (c *compiler) prctl(option, value int) {
	c.b.Call(unix.SYS_PRCTL, program.Int(option), program.Int(value), program.Int(0), program.Int(0), program.Int(0))
}

// takeSetupIDs makes the child the namespace's root when its map leaves out the
// caller: a process with an unmapped id can't create a file.
func (c *compiler) takeSetupIDs() {
	m := c.cfg.IDMap
	if m == nil || !c.has(ns.User) {
		return
	}
	uid, gid := c.host.IDs()
	if ns.MapsOutside(m.UIDs, uint32(uid)) && ns.MapsOutside(m.GIDs, uint32(gid)) {
		return
	}
	if !ns.MapsInside(m.UIDs, 0) || !ns.MapsInside(m.GIDs, 0) {
		return
	}
	c.b.Begin(-1, "become root in the user namespace")
	c.become(&Credential{KeepGroups: m.DenySetgroups})
}

// become changes all ids, groups first, since the user's change may take the
// right to change them; credentials(7).
func (c *compiler) become(cred *Credential) {
	if !cred.KeepGroups {
		c.b.Call(unix.SYS_SETGROUPS, program.Int(len(cred.Groups)), c.groups(cred.Groups))
	}
	gid, uid := program.Uint(uint64(cred.GID)), program.Uint(uint64(cred.UID))
	c.b.Call(unix.SYS_SETRESGID, gid, gid, gid)
	c.b.Call(unix.SYS_SETRESUID, uid, uid, uid)
	c.rearm()
}

// groups returns the address of a list of group ids.
func (c *compiler) groups(ids []uint32) program.Arg {
	if len(ids) == 0 {
		return program.Int(0)
	}
	var list []byte
	for _, id := range ids {
		list = binary.NativeEndian.AppendUint32(list, id)
	}
	return c.b.Bytes(list)
}

// rearm sets the parent-death signal again, which a change of ids clears, and
// looks whether the front died in between; prctl(2). The command of an init
// needs none: it dies with the init.
func (c *compiler) rearm() {
	c.prctl(unix.PR_SET_PDEATHSIG, int(unix.SIGKILL))
	c.b.Do(program.Alive)
}

// chdir goes to the directory dir, or to the caller's if that exists in the
// mounts that the command sees. It goes by path: the directory that the child
// is in may be hidden below a new mount by now, or lie outside the new root.
func (c *compiler) chdir(dir string) {
	if dir != "" {
		c.b.Begin(-1, "go to the directory "+dir)
		c.enter(dir)
		return
	}
	if len(c.tree.mounts) == 0 && (c.cfg.Join == 0 || !c.has(ns.Mount)) {
		return // the child is still where the caller was
	}
	c.b.Begin(-1, "go to the caller's directory")
	c.b.Call(unix.SYS_CHDIR, c.b.String("/"))
	if c.cfg.Cwd == "" || c.cfg.Cwd == "/" {
		return
	}
	c.b.Call(unix.SYS_CHDIR, c.b.String(c.cfg.Cwd))
	c.b.Tolerate(unix.ENOENT, unix.ENOTDIR, unix.EACCES, unix.ELOOP)
}

// enter goes to dir without following magic links, which could lead through an
// open descriptor to a directory outside: /proc/self/fd/7.
func (c *compiler) enter(dir string) {
	fd := c.b.Reg()
	c.openat2(fd, cwd, dir, unix.OpenHow{
		Flags: unix.O_PATH | unix.O_DIRECTORY | unix.O_CLOEXEC, Resolve: unix.RESOLVE_NO_MAGICLINKS,
	})
	c.b.Call(unix.SYS_FCHDIR, fd.Arg())
}

// exec tries the files that the command's name can mean, in order; execvp(3).
func (c *compiler) exec(cmd *Command) {
	argv, envp := c.b.Strings(cmd.Argv), c.b.Strings(cmd.Env)
	for _, file := range candidates(cmd) {
		c.b.Exec(c.b.String(file), argv, envp)
	}
	c.b.Do(program.Fail)
}

func candidates(cmd *Command) []string {
	name := cmd.Argv[0]
	if strings.Contains(name, "/") {
		return []string{name}
	}
	var files []string
	for dir := range strings.SplitSeq(searchPath(cmd), ":") {
		if dir == "" {
			dir = "." // an empty entry is the working directory; environ(7)
		}
		if file := strings.TrimSuffix(dir, "/") + "/" + name; !slices.Contains(files, file) {
			files = append(files, file)
		}
	}
	return files
}

// defaultPath is where execvp(3) looks without PATH.
const defaultPath = "/bin:/usr/bin"

func searchPath(cmd *Command) string {
	if cmd.Path != "" {
		return cmd.Path
	}
	for _, v := range cmd.Env {
		if p, ok := strings.CutPrefix(v, "PATH="); ok {
			return p
		}
	}
	return defaultPath
}
