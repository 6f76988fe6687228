// SPDX-License-Identifier: Apache-2.0

package program

import (
	"fmt"
	"strings"

	"golang.org/x/sys/unix"
)

// named is a value with its name in C.
type named struct {
	value uint64
	name  string
}

// flagText returns the names of the bits in v, with a bar between them. A table
// lists masks of several bits before the bits they consist of.
func flagText(v uint64, table []named) string {
	var names []string
	for _, n := range table {
		if n.value != 0 && v&n.value == n.value {
			names = append(names, n.name)
			v &^= n.value
		}
	}
	if v != 0 || names == nil {
		names = append(names, enumText(v, table))
	}
	return strings.Join(names, "|")
}

// CloneFlags returns the names of CLONE_NEW* flags as String shows them.
func CloneFlags(flags uintptr) string { return flagText(uint64(flags), cloneFlags) }

func enumText(v uint64, table []named) string {
	for _, n := range table {
		if n.value == v {
			return n.name
		}
	}
	if v == 0 {
		return "0"
	}
	return fmt.Sprintf("0x%x", v)
}

var (
	openFlags = []named{
		{unix.O_PATH, "O_PATH"}, {unix.O_WRONLY, "O_WRONLY"}, {unix.O_RDWR, "O_RDWR"},
		{unix.O_CREAT, "O_CREAT"}, {unix.O_EXCL, "O_EXCL"}, {unix.O_TRUNC, "O_TRUNC"},
		{unix.O_DIRECTORY, "O_DIRECTORY"}, {unix.O_NOFOLLOW, "O_NOFOLLOW"}, {unix.O_CLOEXEC, "O_CLOEXEC"},
		{unix.O_RDONLY, "O_RDONLY"},
	}
	resolveFlags = []named{
		{unix.RESOLVE_IN_ROOT, "IN_ROOT"}, {unix.RESOLVE_BENEATH, "BENEATH"}, {unix.RESOLVE_NO_XDEV, "NO_XDEV"},
		{unix.RESOLVE_NO_MAGICLINKS, "NO_MAGICLINKS"}, {unix.RESOLVE_NO_SYMLINKS, "NO_SYMLINKS"},
	}
	mountAttrs = []named{
		{unix.MOUNT_ATTR__ATIME, "ATIME"},
		{unix.MOUNT_ATTR_RDONLY, "RDONLY"}, {unix.MOUNT_ATTR_NOSUID, "NOSUID"}, {unix.MOUNT_ATTR_NODEV, "NODEV"},
		{unix.MOUNT_ATTR_NOEXEC, "NOEXEC"}, {unix.MOUNT_ATTR_NOATIME, "NOATIME"}, {unix.MOUNT_ATTR_STRICTATIME, "STRICTATIME"},
	}
	propagations = []named{
		{unix.MS_PRIVATE, "PRIVATE"}, {unix.MS_SLAVE, "SLAVE"}, {unix.MS_SHARED, "SHARED"}, {unix.MS_UNBINDABLE, "UNBINDABLE"},
	}
	atFlags = []named{
		{unix.AT_EMPTY_PATH, "AT_EMPTY_PATH"}, {unix.AT_RECURSIVE, "AT_RECURSIVE"}, {unix.AT_SYMLINK_NOFOLLOW, "AT_SYMLINK_NOFOLLOW"},
	}
	openTreeFlags = []named{
		{unix.OPEN_TREE_CLONE, "OPEN_TREE_CLONE"}, {unix.OPEN_TREE_CLOEXEC, "OPEN_TREE_CLOEXEC"},
		{unix.AT_EMPTY_PATH, "AT_EMPTY_PATH"}, {unix.AT_RECURSIVE, "AT_RECURSIVE"},
	}
	moveMountFlags = []named{
		{unix.MOVE_MOUNT_F_EMPTY_PATH, "F_EMPTY_PATH"}, {unix.MOVE_MOUNT_T_EMPTY_PATH, "T_EMPTY_PATH"},
	}
	fsopenFlags      = []named{{unix.FSOPEN_CLOEXEC, "FSOPEN_CLOEXEC"}}
	fsmountFlags     = []named{{unix.FSMOUNT_CLOEXEC, "FSMOUNT_CLOEXEC"}}
	fsconfigCommands = []named{
		{unix.FSCONFIG_SET_FLAG, "SET_FLAG"}, {unix.FSCONFIG_SET_STRING, "SET_STRING"}, {unix.FSCONFIG_CMD_CREATE, "CMD_CREATE"},
	}
	umountFlags     = []named{{unix.MNT_DETACH, "MNT_DETACH"}}
	closeRangeFlags = []named{{unix.CLOSE_RANGE_CLOEXEC, "CLOSE_RANGE_CLOEXEC"}}
	socketTypes     = []named{{unix.SOCK_CLOEXEC, "SOCK_CLOEXEC"}, {unix.SOCK_DGRAM, "SOCK_DGRAM"}}
	families        = []named{{unix.AF_INET, "AF_INET"}, {unix.AF_UNIX, "AF_UNIX"}}
	ioctls          = []named{{unix.SIOCGIFFLAGS, "SIOCGIFFLAGS"}, {unix.SIOCSIFFLAGS, "SIOCSIFFLAGS"},
		{unix.TIOCSCTTY, "TIOCSCTTY"}, {unix.TIOCSPGRP, "TIOCSPGRP"},
	}
	prctls = []named{
		{unix.PR_SET_PDEATHSIG, "PR_SET_PDEATHSIG"}, {unix.PR_SET_NO_NEW_PRIVS, "PR_SET_NO_NEW_PRIVS"},
		{unix.PR_SET_DUMPABLE, "PR_SET_DUMPABLE"}, {unix.PR_SET_KEEPCAPS, "PR_SET_KEEPCAPS"},
		{unix.PR_CAPBSET_DROP, "PR_CAPBSET_DROP"}, {unix.PR_CAP_AMBIENT, "PR_CAP_AMBIENT"},
	}
	cloneFlags = []named{
		{unix.CLONE_NEWUSER, "CLONE_NEWUSER"}, {unix.CLONE_NEWPID, "CLONE_NEWPID"}, {unix.CLONE_NEWIPC, "CLONE_NEWIPC"},
		{unix.CLONE_NEWUTS, "CLONE_NEWUTS"}, {unix.CLONE_NEWCGROUP, "CLONE_NEWCGROUP"}, {unix.CLONE_NEWTIME, "CLONE_NEWTIME"},
		{unix.CLONE_NEWNET, "CLONE_NEWNET"}, {unix.CLONE_NEWNS, "CLONE_NEWNS"},
	}
	seccompOps    = []named{{unix.SECCOMP_SET_MODE_FILTER, "SET_MODE_FILTER"}}
	seccompFlags  = []named{{unix.SECCOMP_FILTER_FLAG_LOG, "FILTER_FLAG_LOG"}}
	landlockRules = []named{{unix.LANDLOCK_RULE_PATH_BENEATH, "PATH_BENEATH"}, {RuleNetPort, "NET_PORT"}}
)
