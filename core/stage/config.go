// SPDX-License-Identifier: Apache-2.0

package stage

import (
	"io/fs"
	"os"

	"github.com/nsrun/nsrun/internal/inherit"
	"github.com/nsrun/nsrun/ns"
	"golang.org/x/sys/unix"
)

// Config is what to do in a child.
type Config struct {
	// Kinds are the namespaces that the child was, or will be, cloned into.
	Kinds []ns.Kind
	// Steps are carried out in order, those of phase Inside after the root is
	// switched. Errors name a step by its index here.
	Steps []ns.PlannedStep
	// IDMap is the user namespace's map, if Kinds has user. The child takes the
	// ids 0 inside when the map leaves out the caller's.
	IDMap *ns.IDMap
	// Join is a descriptor of a process whose namespaces of Kinds the child joins,
	// instead of being cloned into new ones: that of [StartJoining]. 0 for none.
	// Steps may then be those alone that restrict the command's process.
	Join int
	// Inputs are the contents of the files among Steps that have a source, which the
	// child was started with. Nil if there is none, or if the program is only to be
	// looked at.
	Inputs *Inputs `json:"-"`
	// Command is what to execute. Required.
	Command Command
	// Cwd is the caller's working directory, which the command gets if it exists
	// inside. Empty means "/".
	Cwd string
	// Clock has the child look at the clock between steps, for [Child.Outcomes].
	Clock bool
	// Host answers questions about the host. Nil means the real one.
	Host Host
}

// Command is a program to execute.
type Command struct {
	// Argv is the name of the program and its arguments. Required. A name without
	// a slash is looked up in Path.
	Argv []string
	// Env is the whole environment, as NAME=VALUE.
	Env []string
	// Dir is the working directory, absolute. Empty means [Config.Cwd] if it
	// exists inside, and "/" otherwise.
	Dir string
	// Path lists the directories to look in, with colons between. Empty means
	// the PATH of Env.
	Path string
	// User is who to execute as. Nil leaves the ids as they are.
	User *Credential
	// Console says that the child is lent a [Console], which becomes the controlling
	// terminal of a session of the command's own; setsid(2).
	Console bool
	// NoNewPrivs keeps the command from gaining privilege by executing a file;
	// PR_SET_NO_NEW_PRIVS of prctl(2).
	NoNewPrivs bool
}

// Credential is a set of ids, as the new namespaces see them; credentials(7).
type Credential struct {
	UID, GID uint32
	// Groups are the supplementary groups.
	Groups []uint32
	// KeepGroups leaves the supplementary groups as they are, as a user namespace
	// whose setgroups file says "deny" demands.
	KeepGroups bool
}

// Host is what Compile asks of the host.
type Host interface {
	// Stat describes the file at path, following symbolic links.
	Stat(path string) (fs.FileInfo, error)
	// Lstat describes the file at path, which may be a symbolic link.
	Lstat(path string) (fs.FileInfo, error)
	// ReadDir returns the entries of the directory at path.
	ReadDir(path string) ([]fs.DirEntry, error)
	// Readlink returns what the symbolic link at path leads to.
	Readlink(path string) (string, error)
	// IDs returns the caller's effective user and group id.
	IDs() (uid, gid int)
	// OpenFiles returns the caller's limit on open files, which the command is to
	// have, and false if that isn't known.
	OpenFiles() (limit unix.Rlimit, ok bool)
	// Capabilities returns the caller's capabilities, which the child has too
	// unless it is in a user namespace of its own.
	Capabilities() CapabilitySets
	// LandlockABI returns the version of Landlock that the kernel has, 0 for none.
	LandlockABI() int
}

// CapabilitySets are the sets of a process; capabilities(7). Bit n is the
// capability number n.
type CapabilitySets struct{ Effective, Permitted, Inheritable uint64 }

// realHost is the host that this process runs on.
type realHost struct{}

func (realHost) Stat(path string) (fs.FileInfo, error)      { return os.Stat(path) }
func (realHost) Lstat(path string) (fs.FileInfo, error)     { return os.Lstat(path) }
func (realHost) Readlink(path string) (string, error)       { return os.Readlink(path) }
func (realHost) ReadDir(path string) ([]fs.DirEntry, error) { return os.ReadDir(path) }
func (realHost) IDs() (uid, gid int)                        { return os.Geteuid(), os.Getegid() }

func (realHost) OpenFiles() (limit unix.Rlimit, ok bool) {
	soft, ok := inherit.OpenFiles()
	if !ok || unix.Getrlimit(unix.RLIMIT_NOFILE, &limit) != nil {
		return limit, false
	}
	limit.Cur = soft
	return limit, true
}

func (realHost) Capabilities() (sets CapabilitySets) {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if unix.Capget(&header, &data[0]) != nil {
		return sets
	}
	join := func(low, high uint32) uint64 { return uint64(low) | uint64(high)<<32 }
	return CapabilitySets{
		Effective:   join(data[0].Effective, data[1].Effective),
		Permitted:   join(data[0].Permitted, data[1].Permitted),
		Inheritable: join(data[0].Inheritable, data[1].Inheritable),
	}
}

func (realHost) LandlockABI() int {
	abi, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, unix.LANDLOCK_CREATE_RULESET_VERSION)
	if errno != 0 {
		return 0
	}
	return int(abi)
}
