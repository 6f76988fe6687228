// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// file is a file of any type, as statx(2) has it.
type file struct {
	path     string // as the run's command sees it, without links
	mode     uint16 // type and permissions
	uid, gid uint32 // of the host
	mount    int    // the id of its mount
	inode    inode
	attrs    uint64 // STATX_ATTR_*
	acl      bool   // it has an access control list
}

// inode tells files apart, whatever paths lead to them.
type inode struct {
	major, minor uint32
	number       uint64
}

// is reports whether a file is of a type, one of S_IF*; inode(7).
func (f *file) is(kind uint16) bool { return f.mode&unix.S_IFMT == kind }

// statFile says what the descriptor fd is.
func statFile(fd int, path string) (*file, error) {
	var st unix.Statx_t
	const fields = unix.STATX_BASIC_STATS | unix.STATX_MNT_ID
	if err := unix.Statx(fd, "", unix.AT_EMPTY_PATH|unix.AT_NO_AUTOMOUNT, fields, &st); err != nil {
		return nil, fmt.Errorf("statx %s: %w", path, err)
	}
	// O_PATH descriptors have no fgetxattr(2), so it is asked by path.
	n, _ := unix.Getxattr(fmt.Sprintf("/proc/self/fd/%d", fd), "system.posix_acl_access", nil)
	return &file{
		path: path, mode: st.Mode, uid: st.Uid, gid: st.Gid, mount: int(st.Mnt_id), attrs: st.Attributes, acl: n > 0,
		inode: inode{st.Dev_major, st.Dev_minor, st.Ino},
	}, nil
}
