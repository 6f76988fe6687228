// SPDX-License-Identifier: Apache-2.0

package find

import (
	"errors"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// maxSymlinks is how many symbolic links one path may pass; the kernel's own
// limit, path_resolution(7).
const maxSymlinks = 40

// walker is a place in the file tree and the names still to go.
type walker struct {
	check func(st *unix.Stat_t, dir string) error
	dir   int         // the directory reached, O_PATH
	kept  int         // a directory that somebody else closes, or -1
	done  []string    // its name, in parts
	last  int         // the file reached, O_PATH, or -1 while in a directory
	st    unix.Stat_t // of what was opened last
	todo  []string
	links int
	// sticky is why a file of the directory reached can't be used, though a
	// directory in it can: see stickyError.
	sticky error
}

func newWalker(check func(st *unix.Stat_t, dir string) error) *walker {
	return &walker{check: check, dir: -1, last: -1, kept: -1}
}

// file goes on to a file and returns what [ways.walk] does.
func (w *walker) file(todo []string) (fd int, st *unix.Stat_t, resolved string, err error) {
	if err := w.goOn(todo); err != nil {
		return -1, nil, "", err
	}
	if w.last < 0 {
		return -1, nil, "", &refusal{reason: "it is a directory", hint: "put the file there"}
	}
	fd, w.last = w.last, -1
	return fd, &w.st, w.path(), nil
}

// goOn goes along names from where it is.
func (w *walker) goOn(names []string) error {
	w.todo = names
	for len(w.todo) > 0 {
		if err := w.step(); err != nil {
			return err
		}
	}
	return nil
}

func names(path string) []string {
	return strings.FieldsFunc(path, func(r rune) bool { return r == '/' })
}

func (w *walker) path() string { return "/" + strings.Join(w.done, "/") }

func (w *walker) close() {
	w.leave()
	closeFD(w.last)
}

// leave closes the directory reached.
func (w *walker) leave() {
	if w.dir != w.kept {
		closeFD(w.dir)
	}
}

// closeFD closes fd, unless it is -1.
func closeFD(fd int) {
	if fd >= 0 {
		unix.Close(fd)
	}
}

// enterRoot goes to the root directory.
func (w *walker) enterRoot() error {
	fd, err := unix.Open("/", unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return &os.PathError{Op: "open", Path: "/", Err: err}
	}
	w.leave()
	w.dir, w.done = fd, nil
	if err := fstat(fd, "/", &w.st); err != nil {
		return err
	}
	return w.arrive("/")
}

// step takes the next name: it enters a directory, follows a symbolic link, or
// arrives at the file.
func (w *walker) step() error {
	name := w.todo[0]
	w.todo = w.todo[1:]
	at := filepath.Join(w.path(), name)
	if w.last >= 0 {
		return &os.PathError{Op: "open", Path: at, Err: unix.ENOTDIR}
	}
	fd, err := unix.Openat(w.dir, name, unix.O_PATH|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return &os.PathError{Op: "open", Path: at, Err: err}
	}
	if err := fstat(fd, at, &w.st); err != nil {
		unix.Close(fd)
		return err
	}
	switch w.st.Mode & unix.S_IFMT {
	case unix.S_IFDIR:
		return w.enter(fd, name)
	case unix.S_IFLNK:
		defer unix.Close(fd)
		return errors.Join(w.sticky, w.follow(fd, at))
	}
	w.last = fd
	w.done = append(w.done, name)
	return w.sticky
}

// enter goes into the directory fd. The names "." and ".." can only come from a
// symbolic link; ".." leads to the parent that the kernel knows.
func (w *walker) enter(fd int, name string) error {
	w.leave()
	w.dir = fd
	switch name {
	case ".":
	case "..":
		w.done = w.done[:max(0, len(w.done)-1)]
	default:
		w.done = append(w.done, name)
	}
	return w.arrive(w.path())
}

// arrive checks the directory reached, which may be sticky if the way goes on.
func (w *walker) arrive(path string) error {
	err := w.check(&w.st, path)
	w.sticky = nil
	if s, ok := errors.AsType[*stickyError](err); ok {
		w.sticky, err = s.refusal, nil
	}
	return err
}

// follow puts the target of the symbolic link fd before the names to go.
func (w *walker) follow(fd int, at string) error {
	if w.links++; w.links > maxSymlinks {
		return &os.PathError{Op: "open", Path: at, Err: unix.ELOOP}
	}
	buf := make([]byte, unix.PathMax)
	n, err := unix.Readlinkat(fd, "", buf)
	if err == nil && (n == 0 || n == len(buf)) {
		err = unix.ENAMETOOLONG
	}
	if err != nil {
		return &os.PathError{Op: "readlink", Path: at, Err: err}
	}
	target := string(buf[:n])
	w.todo = append(names(target), w.todo...)
	if strings.HasPrefix(target, "/") {
		return w.enterRoot()
	}
	return nil
}
