// SPDX-License-Identifier: Apache-2.0

package lock

import (
	"fmt"
	"os"

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

// stateFormat is the text of a State: what String writes, parseState reads.
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
	var s State
	_, err := fmt.Sscanf(text, stateFormat, &s.Dev, &s.Ino, &s.Size, &s.MTime, &s.CTime, &s.UID, &s.GID, &s.Mode)
	if err != nil || s.String() != text {
		return nil
	}
	return &s
}
