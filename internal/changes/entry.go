// SPDX-License-Identifier: Apache-2.0

package changes

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/nsrun/nsrun/ns"
)

// entry is a name in the upper directory.
type entry struct {
	path   string // relative to it
	info   fs.FileInfo
	opaque bool // of a directory: nothing of the lower one is seen
}

// walk calls f for each entry but the directory itself, parents first.
func (s *Set) walk(f func(entry) error) error {
	return fs.WalkDir(s.upper.FS(), ".", func(p string, d fs.DirEntry, err error) error {
		if err != nil || p == "." {
			return othersFiles(s.changes, err)
		}
		e := entry{path: p}
		if e.info, err = s.upper.Lstat(p); err != nil {
			return err
		}
		if d.IsDir() || d.Type().IsRegular() {
			if err := e.readAttributes(s.upper); err != nil {
				return err
			}
		}
		return f(e)
	})
}

func (e *entry) stat() *syscall.Stat_t { return e.info.Sys().(*syscall.Stat_t) }

// isWhiteout reports whether the entry says that there is nothing: a character
// device 0/0.
func (e *entry) isWhiteout() bool {
	return e.info.Mode()&fs.ModeCharDevice != 0 && e.stat().Rdev == 0
}

// prefixes begin the names of overlayfs's own attributes: as root, and in a user namespace.
var prefixes = []string{"trusted.overlay.", "user.overlay."}

// readAttributes reads what overlayfs noted of the entry. What refers to another
// place in the lower directory isn't followed: nsrun doesn't turn that on, but a
// kernel can have it on by itself.
func (e *entry) readAttributes(root *os.Root) error {
	f, err := root.OpenFile(e.path, os.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if err != nil {
		return fmt.Errorf("read what changed: %w", err)
	}
	defer f.Close()
	for _, prefix := range prefixes {
		for _, name := range []string{"redirect", "metacopy"} {
			if _, ok := attribute(f, prefix+name); ok {
				return &ns.Diagnostic{Summary: e.path + " refers to another file of the directory that was changed, by the attribute " + prefix + name,
					Detail: "the kernel keeps renamed directories, or files of which only the mode changed, in this form",
					Hint:   "copy from the DST of a run that shows the changes"}
			}
		}
		if value, ok := attribute(f, prefix+"opaque"); ok && value == "y" {
			e.opaque = true
		}
	}
	return nil
}

// attribute returns an extended attribute, if the file has it and it can be read.
func attribute(f *os.File, name string) (value string, ok bool) {
	buf := make([]byte, 256)
	n, err := unix.Fgetxattr(int(f.Fd()), name, buf)
	if errors.Is(err, unix.ERANGE) {
		return "", true
	}
	return string(buf[:max(n, 0)]), err == nil
}

func sameOwnerAndMode(a, b fs.FileInfo) bool {
	x, y := a.Sys().(*syscall.Stat_t), b.Sys().(*syscall.Stat_t)
	return a.Mode() == b.Mode() && x.Uid == y.Uid && x.Gid == y.Gid
}
