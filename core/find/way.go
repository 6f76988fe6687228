// SPDX-License-Identifier: Apache-2.0

package find

import (
	"os"
	"path/filepath"
	"slices"

	"golang.org/x/sys/unix"
)

// ways are the directories that have been reached and checked, by their path, and
// stay open, so that the files of one directory need one walk. A run's plugins
// mostly lie in one.
type ways map[string]*walker

// walk opens the file at the absolute path one name at a time, and hands the
// state of every directory it passes to check before it goes on. Symbolic links are followed by
// hand, so that the directories they lead through are checked as well. No step
// opens more than one name, without following it, so nothing can be exchanged
// between the check and the use, and magic links of /proc are read as text.
//
// It returns the file as an O_PATH descriptor, which executes and tells its state
// but can't be read, its state, and the path without symbolic links.
func (all ways) walk(path string, check func(st *unix.Stat_t, dir string) error) (fd int, st *unix.Stat_t, resolved string, err error) {
	dir, name := filepath.Split(path)
	way, err := all.to(dir, check)
	if err != nil {
		return -1, nil, "", err
	}
	w := *way
	w.kept, w.done = way.dir, slices.Clone(way.done)
	defer w.close()
	return w.file([]string{name})
}

// to returns the way to a directory.
func (all ways) to(dir string, check func(st *unix.Stat_t, dir string) error) (*walker, error) {
	if way := all[dir]; way != nil {
		return way, nil
	}
	way := newWalker(check)
	err := way.enterRoot()
	if err == nil {
		err = way.goOn(names(dir))
	}
	if err == nil && way.last >= 0 {
		err = &os.PathError{Op: "open", Path: dir, Err: unix.ENOTDIR}
	}
	if err != nil {
		way.close()
		return nil, err
	}
	all[dir] = way
	return way, nil
}

// close closes the directories.
func (all ways) close() {
	for _, way := range all {
		way.close()
	}
}
