// SPDX-License-Identifier: Apache-2.0

// Package changes reads what an overlay kept of a command's changes (nsrun --overlay
// LOWER CHANGES DST), and applies it to the directory that the command saw, or throws
// it away. What it finds is in overlayfs's own form: the kernel's
// Documentation/filesystems/overlayfs.rst, "whiteouts and opaque directories".
//
// The command wrote there, so that every name is looked up inside of its directory
// (os.Root), and no link leads out of it.
package changes

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/nsrun/nsrun/ns"
)

// Kind says what happened to a path.
type Kind string

// The kinds, by the letters that other tools use for them.
const (
	Added   Kind = "A"
	Changed Kind = "C"
	Deleted Kind = "D"
)

// Change is one path that differs.
type Change struct {
	Kind Kind   `json:"kind"`
	Path string `json:"path"` // relative to the directory
}

// Set is the changes that were kept of one directory.
type Set struct {
	lower, upper *os.Root
	changes      string
}

// The directories that nsrun makes in CHANGES.
const (
	upperName = "upper"
	workName  = "work"
)

// Open returns the changes of the directory lower that are in the directory
// changes. The caller closes them.
func Open(lower, changes string) (*Set, error) {
	low, err := os.OpenRoot(lower)
	if err != nil {
		return nil, fmt.Errorf("open the directory that was changed: %w", err)
	}
	up, err := os.OpenRoot(filepath.Join(changes, upperName))
	if err != nil {
		low.Close()
		return nil, noChanges(changes, err)
	}
	return &Set{lower: low, upper: up, changes: changes}, nil
}

func noChanges(changes string, err error) error {
	d := &ns.Diagnostic{Summary: fmt.Sprintf("open the changes in %s: %v", changes, err)}
	if errors.Is(err, fs.ErrNotExist) {
		d.Detail = "no run has kept changes there: it has no directory " + upperName
		d.Hint = "the directory that --overlay LOWER CHANGES DST was given as CHANGES"
	}
	return d
}

// Close lets go of the directories.
func (s *Set) Close() error { return errors.Join(s.lower.Close(), s.upper.Close()) }

// List returns what differs, sorted by path. A directory that is there only for what
// changed in it isn't among it.
func (s *Set) List() ([]Change, error) {
	var list []Change
	err := s.walk(func(e entry) error {
		list = append(list, s.compare(e)...)
		return nil
	})
	slices.SortFunc(list, func(a, b Change) int { return strings.Compare(a.Path, b.Path) })
	return list, err
}

// compare returns what the entry says against the lower directory.
func (s *Set) compare(e entry) []Change {
	old, err := s.lower.Lstat(e.path)
	switch {
	case e.isWhiteout():
		return []Change{{Deleted, e.path}}
	case err != nil:
		return []Change{{Added, e.path}}
	case !e.info.IsDir() || !old.IsDir():
		return []Change{{Changed, e.path}}
	}
	var list []Change
	if !sameOwnerAndMode(e.info, old) {
		list = append(list, Change{Changed, e.path})
	}
	for _, name := range s.covered(e) {
		list = append(list, Change{Deleted, path.Join(e.path, name)})
	}
	return list
}

// covered returns the names in the lower directory that an opaque one hides without
// a whiteout for each.
func (s *Set) covered(e entry) (names []string) {
	if !e.opaque {
		return nil
	}
	for _, name := range namesIn(s.lower, e.path) {
		if _, err := s.upper.Lstat(path.Join(e.path, name)); errors.Is(err, fs.ErrNotExist) {
			names = append(names, name)
		}
	}
	return names
}

func namesIn(root *os.Root, dir string) []string {
	entries, _ := fs.ReadDir(root.FS(), dir)
	names := make([]string, len(entries))
	for i, e := range entries {
		names[i] = e.Name()
	}
	return names
}

// Discard throws the changes in the directory away, and leaves the directory itself.
func Discard(changes string) error {
	dir, err := os.OpenRoot(changes)
	if err != nil {
		return fmt.Errorf("open the changes: %w", err)
	}
	defer dir.Close()
	if _, err := dir.Lstat(upperName); err != nil {
		return noChanges(changes, err)
	}
	// The kernel makes a directory of mode 0 in there, which nobody but root can open.
	_ = dir.Chmod(path.Join(workName, "work"), 0o700)
	return othersFiles(changes, errors.Join(dir.RemoveAll(upperName), dir.RemoveAll(workName)))
}

// othersFiles says what to do about files that belong to subordinate ids.
func othersFiles(dir string, err error) error {
	if err == nil || !errors.Is(err, fs.ErrPermission) {
		return err
	}
	return &ns.Diagnostic{Summary: err.Error(),
		Detail: "files that belong to ids of a user namespace can only be changed in one",
		Hint:   "nsrun --plugins user nsctl ... with the maps that the run had, or as root, on " + dir}
}
