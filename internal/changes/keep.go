// SPDX-License-Identifier: Apache-2.0

package changes

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path"
	"strings"

	"golang.org/x/sys/unix"
)

// Keep makes the lower directory what the command saw at the end, and throws the
// changes away. A file takes its place in one step. If it fails half-way it can be
// called again.
func (s *Set) Keep() error {
	if _, err := s.List(); err != nil { // what can't be kept is told before anything is
		return err
	}
	if err := s.walk(s.apply); err != nil {
		return othersFiles(s.changes, fmt.Errorf("keep what changed: %w", err))
	}
	return Discard(s.changes)
}

// apply does to the lower directory what the entry says.
func (s *Set) apply(e entry) error {
	old, err := s.lower.Lstat(e.path)
	there := err == nil
	if e.isWhiteout() || there && old.IsDir() != e.info.IsDir() {
		if err := s.lower.RemoveAll(e.path); err != nil {
			return err
		}
		there = false
	}
	switch {
	case e.isWhiteout():
		return nil
	case e.info.IsDir():
		return s.applyDir(e, there)
	}
	return s.replace(e)
}

func (s *Set) applyDir(e entry, there bool) error {
	for _, name := range s.covered(e) {
		if err := s.lower.RemoveAll(path.Join(e.path, name)); err != nil {
			return err
		}
	}
	if !there {
		if err := s.lower.Mkdir(e.path, 0o700); err != nil {
			return err
		}
	}
	return s.settle(e, e.path)
}

// replace puts the entry, which is no directory, in the place of what is there.
func (s *Set) replace(e entry) (err error) {
	temp := path.Join(path.Dir(e.path), fmt.Sprintf(".nsrun-keep-%x", rand.Uint64()))
	defer func() {
		if err != nil {
			err = errors.Join(err, s.lower.RemoveAll(temp))
		}
	}()
	if err := s.copy(e, temp); err != nil {
		return err
	}
	if err := s.settle(e, temp); err != nil {
		return err
	}
	return s.lower.Rename(temp, e.path)
}

// copy makes what the entry is, at the path to.
func (s *Set) copy(e entry, to string) error {
	switch {
	case e.info.Mode().IsRegular():
		return s.copyFile(e, to)
	case e.info.Mode()&fs.ModeSymlink != 0:
		target, err := s.upper.Readlink(e.path)
		if err != nil {
			return err
		}
		return s.lower.Symlink(target, to)
	}
	return s.makeNode(e, to)
}

func (s *Set) copyFile(e entry, to string) error {
	from, err := s.upper.OpenFile(e.path, os.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if err != nil {
		return err
	}
	defer from.Close()
	f, err := s.lower.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, from)
	return errors.Join(err, copyAttributes(from, f), f.Sync(), f.Close())
}

// copyAttributes copies the extended attributes but overlayfs's own; xattr(7).
func copyAttributes(from, to *os.File) error {
	buf := make([]byte, 64<<10) // XATTR_LIST_MAX
	n, err := unix.Flistxattr(int(from.Fd()), buf)
	if err != nil {
		return nil // a file system without any
	}
	value := make([]byte, 64<<10) // XATTR_SIZE_MAX
	for name := range strings.SplitSeq(strings.TrimSuffix(string(buf[:n]), "\x00"), "\x00") {
		if name == "" || strings.HasPrefix(name, prefixes[0]) || strings.HasPrefix(name, prefixes[1]) {
			continue
		}
		n, err := unix.Fgetxattr(int(from.Fd()), name, value)
		if err == nil {
			err = unix.Fsetxattr(int(to.Fd()), name, value[:n], 0)
		}
		if err != nil {
			return fmt.Errorf("copy the attribute %s of %s: %w", name, from.Name(), err)
		}
	}
	return nil
}

// makeNode makes a pipe, a socket or a device node like the entry; mknod(2).
func (s *Set) makeNode(e entry, to string) error {
	dir, err := s.lower.Open(path.Dir(to))
	if err != nil {
		return err
	}
	defer dir.Close()
	st := e.stat()
	if err := unix.Mknodat(int(dir.Fd()), path.Base(to), st.Mode, int(st.Rdev)); err != nil {
		return &fs.PathError{Op: "mknod", Path: e.path, Err: err}
	}
	return nil
}

// settle gives the lower directory's to the owner, the mode and the time of the entry.
func (s *Set) settle(e entry, to string) error {
	st := e.stat()
	if err := s.lower.Lchown(to, int(st.Uid), int(st.Gid)); err != nil {
		return err
	}
	if e.info.Mode()&fs.ModeSymlink != 0 {
		return nil
	}
	if err := s.lower.Chmod(to, e.info.Mode()); err != nil {
		return err
	}
	return s.lower.Chtimes(to, e.info.ModTime(), e.info.ModTime())
}
