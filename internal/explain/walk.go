// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"errors"
	"fmt"
	"path"
	"strings"

	"github.com/nsrun/nsrun/ns"
	"golang.org/x/sys/unix"
)

// place is where a path leads in a run.
type place struct {
	// stack are the directories from the root to what the path leads to, and that
	// itself, without links.
	stack []*file
	// searched are all directories that a name was looked up in on the way.
	searched []*file
	// missing is the name that isn't there in the last of stack, or "".
	missing string
	// deeper says that more names would follow it.
	deeper bool
	// refused is why it could not be followed further, nil if it could: for the run's
	// command, too, unless it is that nsctl has less rights.
	refused error
}

// last returns what a path leads to, or the directory in which it ends.
func (p *place) last() *file { return p.stack[len(p.stack)-1] }

// whole reports whether a path could be followed to its end.
func (p *place) whole() bool { return p.missing == "" && p.refused == nil }

// maxLinks is how many symbolic links the kernel follows in one path;
// path_resolution(7).
const maxLinks = 40

// walker looks up a path name by name, as path_resolution(7) has it, and so sees every
// directory that must be searched. Links are followed in the run's root, never by the
// kernel in nsctl's own.
type walker struct {
	place
	run   *Run
	fds   []int // of the files on the stack, the first being the root's
	names []string
	links int
}

// walk looks up an absolute path in the run. The error says why that can't be done.
func (r *Run) walk(name string) (*place, error) {
	root, err := statFile(int(r.root.Fd()), "/")
	if err != nil {
		return nil, err
	}
	w := &walker{run: r, place: place{stack: []*file{root}}, fds: []int{int(r.root.Fd())}, names: split(name)}
	defer w.cut(1)
	for len(w.names) > 0 && w.whole() {
		if err := w.step(); err != nil {
			return nil, err
		}
	}
	found := w.place // before the stack is cut
	return &found, nil
}

// split returns the names in a path. A slash at its end stands for the directory itself.
func split(name string) []string {
	names := strings.FieldsFunc(name, func(c rune) bool { return c == '/' })
	if strings.HasSuffix(name, "/") {
		names = append(names, ".")
	}
	return names
}

// step looks up the next name.
func (w *walker) step() error {
	name := w.names[0]
	w.names = w.names[1:]
	if !w.last().is(unix.S_IFDIR) {
		w.refused = unix.ENOTDIR
		return nil
	}
	w.searched = append(w.searched, w.last())
	switch name {
	case ".":
		return nil
	case "..":
		w.cut(max(1, len(w.fds)-1))
		return nil
	}
	fd, err := unix.Openat(w.fds[len(w.fds)-1], name, unix.O_PATH|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	switch {
	case errors.Is(err, unix.ENOENT):
		w.missing, w.deeper = name, len(w.names) > 0
		return nil
	case err != nil:
		w.refused = err
		return nil
	}
	f, err := statFile(fd, path.Join(w.last().path, name))
	if err != nil {
		unix.Close(fd)
		return err
	}
	if !f.is(unix.S_IFLNK) {
		w.stack, w.fds = append(w.stack, f), append(w.fds, fd)
		return nil
	}
	defer unix.Close(fd)
	return w.follow(fd, f)
}

// follow goes on with what a symbolic link says.
func (w *walker) follow(fd int, link *file) error {
	if w.links++; w.links > maxLinks {
		w.refused = unix.ELOOP
		return nil
	}
	to, err := w.target(fd, link)
	if err != nil {
		return err
	}
	if strings.HasPrefix(to, "/") {
		w.cut(1)
	}
	w.names = append(split(to), w.names...)
	return nil
}

// procRoot is the inode of the root of each proc file system.
const procRoot = 1

// target returns what a link says to the command. In a proc file system "self" says
// something else to each process, and the links of a process lead to what no path may
// lead to; proc(5).
func (w *walker) target(fd int, link *file) (string, error) {
	inProc := w.run.mounts[link.mount].FSType == "proc"
	switch {
	case inProc && w.last().inode.number != procRoot:
		return "", &ns.Diagnostic{Summary: link.path + " leads to what the process has open, whatever its path", Hint: "that path, if there is one"}
	case inProc && path.Base(link.path) == "self":
		return w.run.selfIn(link.mount), nil
	case inProc && path.Base(link.path) == "thread-self":
		self := w.run.selfIn(link.mount)
		return path.Join(self, "task", self), nil
	}
	buf := make([]byte, unix.PathMax)
	n, err := unix.Readlinkat(fd, "", buf)
	if err != nil {
		return "", fmt.Errorf("readlink %s: %w", link.path, err)
	}
	return string(buf[:n]), nil
}

// cut leaves n files on the stack.
func (w *walker) cut(n int) {
	for _, fd := range w.fds[n:] {
		unix.Close(fd)
	}
	w.fds, w.stack = w.fds[:n], w.stack[:n]
}
