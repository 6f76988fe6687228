// SPDX-License-Identifier: Apache-2.0

package find

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// trust decides whom the caller trusts: a plugin runs with the caller's rights,
// so whoever can write it, or rename a directory above it, is as strong as he.
type trust struct {
	uid  int  // the caller
	been ways // directories that are checked already
}

// trustOf returns the trust of the user uid, who has checked nothing yet.
func trustOf(uid int) trust { return trust{uid, ways{}} }

// refusal is why a file or directory can't be used, and what would help.
type refusal struct {
	reason string
	hint   string
}

func (r *refusal) Error() string { return r.reason }

// stickyError says that a directory is like /tmp: anybody can put things up in
// it, but nobody can rename or remove a directory of somebody we trust. A path
// may lead through it to such a directory, and not to a file or a link.
type stickyError struct{ *refusal }

// dir checks a directory above a plugin.
func (t trust) dir(st *unix.Stat_t, path string) error {
	err := t.owned(st, "directory "+path, path)
	if r, ok := errors.AsType[*refusal](err); ok && t.trusts(st) && st.Mode&unix.S_ISVTX != 0 {
		return &stickyError{r}
	}
	return err
}

// trusts reports whether the caller trusts the owner of st.
func (t trust) trusts(st *unix.Stat_t) bool { return st.Uid == 0 || int(st.Uid) == t.uid }

// file checks a plugin binary by its descriptor, which may be O_PATH, and its state.
func (t trust) file(fd int, st *unix.Stat_t, path string) error {
	if err := regular(st, path); err != nil {
		return err
	}
	if err := t.owned(st, "it", path); err != nil {
		return err
	}
	if err := unprivileged(fd, st, path); err != nil {
		return err
	}
	return executable(fd, st, path)
}

// owned checks the owner and the permissions of what.
func (t trust) owned(st *unix.Stat_t, what, path string) error {
	if !t.trusts(st) {
		whom := "root"
		if t.uid != 0 {
			whom = fmt.Sprintf("root or uid %d", t.uid)
		}
		if st.Uid == overflowUID {
			return unmapped(what, whom)
		}
		return &refusal{
			reason: fmt.Sprintf("%s belongs to uid %d, not to %s", what, st.Uid, whom),
			hint:   fmt.Sprintf("chown %d %s, if you trust what is in it", t.uid, path),
		}
	}
	if st.Mode&0o022 != 0 {
		return &refusal{
			reason: fmt.Sprintf("%s can be written by others (mode %04o)", what, st.Mode&0o7777),
			hint:   writableHint(st, path),
		}
	}
	return nil
}

// overflowUID is the owner of the files of all users that have no id in this
// user namespace, as root in one of an ordinary user's; user_namespaces(7).
const overflowUID = 65534

// unmapped refuses a file of such a user, who may be anybody.
func unmapped(what, whom string) error {
	return &refusal{
		reason: fmt.Sprintf("%s belongs to uid %d, not to %s", what, overflowUID, whom),
		hint:   "in a user namespace that doesn't map root, nsrun can't tell whose files are root's; run it outside",
	}
}

func writableHint(st *unix.Stat_t, path string) string {
	if st.Mode&unix.S_ISVTX != 0 {
		return "keep plugins in a directory of your own, not below " + path
	}
	return "chmod go-w " + path
}

func regular(st *unix.Stat_t, path string) error {
	what := "it is a special file"
	switch st.Mode & unix.S_IFMT {
	case unix.S_IFREG:
		return nil
	case unix.S_IFIFO:
		what = "it is a named pipe"
	case unix.S_IFSOCK:
		what = "it is a socket"
	}
	return &refusal{reason: what, hint: "put the file at " + path}
}

// unprivileged refuses set-user-ID programs and the like. Executing one clears
// the parent-death signal (prctl(2)), so it could outlive nsrun, and it would
// hand out rights that the caller hasn't got.
func unprivileged(fd int, st *unix.Stat_t, path string) error {
	if st.Mode&(unix.S_ISUID|unix.S_ISGID) != 0 {
		return &refusal{
			reason: fmt.Sprintf("it is set-user-ID or set-group-ID (mode %04o)", st.Mode&0o7777),
			hint:   "chmod ug-s " + path,
		}
	}
	// fgetxattr(2) refuses O_PATH descriptors; the magic link names the same file.
	_, err := unix.Getxattr(procFD(fd), "security.capability", nil)
	if err == nil {
		return &refusal{reason: "it has file capabilities", hint: "setcap -r " + path}
	}
	return nil
}

// executable checks that the caller may execute the file, which depends on the
// mount as well.
func executable(fd int, st *unix.Stat_t, path string) error {
	if st.Mode&0o111 == 0 {
		return &refusal{
			reason: fmt.Sprintf("it is not executable (mode %04o)", st.Mode&0o7777),
			hint:   "chmod +x " + path,
		}
	}
	err := unix.Faccessat(fd, "", unix.X_OK, unix.AT_EMPTY_PATH|unix.AT_EACCESS)
	if err == unix.EACCES {
		return &refusal{
			reason: "it may not be executed: " + err.Error(),
			hint:   "look at its mode with ls -l, and whether findmnt -T " + path + " says noexec",
		}
	}
	return nil
}

func fstat(fd int, path string, st *unix.Stat_t) error {
	if err := unix.Fstat(fd, st); err != nil {
		return &os.PathError{Op: "stat", Path: path, Err: err}
	}
	return nil
}

func procFD(fd int) string { return fmt.Sprintf("/proc/self/fd/%d", fd) }

func identity(st *unix.Stat_t) Identity {
	return Identity{
		Dev:   st.Dev,
		Ino:   st.Ino,
		Size:  st.Size,
		MTime: st.Mtim.Nano(),
		CTime: st.Ctim.Nano(),
	}
}
