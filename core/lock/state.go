// SPDX-License-Identifier: Apache-2.0

package lock

import (
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// State is the state of a file, as stat(2) gives it. While it is the same so is the
// content, since whatever changes that changes the ctime, which nobody can set:
// inode(7). A copy, or a file of a restored backup, has another state with the same
// content.
type State struct {
	Dev, Ino     uint64
	Size         int64
	MTime, CTime int64 // nanoseconds since the epoch
	UID, GID     uint32
	Mode         uint32 // permissions, with set-user-ID and the like
}

// stateFormat is the text of a State: what String writes and parseState reads
// by comparing: package fmt's scanner would be new in the front.
const stateFormat = "dev=%d ino=%d size=%d mtime=%d ctime=%d uid=%d gid=%d mode=%04o"

// StateOf returns the state of the file at path. The error is an *os.PathError.
func StateOf(path string) (*State, error) {
	var st unix.Stat_t
	if err := unix.Stat(path, &st); err != nil {
		return nil, &os.PathError{Op: "stat", Path: path, Err: err}
	}
	return &State{
		Dev: st.Dev, Ino: st.Ino, Size: st.Size,
		MTime: st.Mtim.Nano(), CTime: st.Ctim.Nano(),
		UID: st.Uid, GID: st.Gid, Mode: st.Mode & 0o7777,
	}, nil
}

// String returns the state as a lock file has it.
func (s *State) String() string {
	return fmt.Sprintf(stateFormat, s.Dev, s.Ino, s.Size, s.MTime, s.CTime, s.UID, s.GID, s.Mode)
}

// parseState reads what String wrote, or returns nil if that isn't it exactly.
func parseState(text string) *State {
	var n [8]uint64
	for i, field := range strings.Fields(text) {
		if _, value, ok := strings.Cut(field, "="); ok && i < len(n) {
			n[i] = number(value)
		}
	}
	s := State{n[0], n[1], int64(n[2]), int64(n[3]), int64(n[4]), uint32(n[5]), uint32(n[6]), uint32(n[7])}
	if s.String() != text {
		return nil
	}
	return &s
}

// number reads a number, negative or not, octal if it begins with 0. What it can't
// read is 0.
func number(text string) uint64 {
	if n, err := strconv.ParseInt(text, 0, 64); err == nil {
		return uint64(n)
	}
	n, _ := strconv.ParseUint(text, 10, 64)
	return n
}
