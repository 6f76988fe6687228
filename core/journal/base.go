// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"syscall"

	"github.com/nsrun/nsrun/ns"
)

// Base is the directory below which everything of one user's nsrun lives.
type Base struct{ dir string }

// BaseDir returns where the base directory of the user uid is: /run/nsrun for
// root, $XDG_RUNTIME_DIR/nsrun for others, and a directory in /tmp where there
// is no runtime directory.
func BaseDir(uid int, getenv func(string) string) string {
	if uid == 0 {
		return "/run/nsrun"
	}
	if dir := getenv("XDG_RUNTIME_DIR"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "nsrun")
	}
	return "/tmp/nsrun-" + strconv.Itoa(uid)
}

// Open returns the base directory dir, made if it wasn't there. It must belong
// to the caller and be closed to everybody else: others could otherwise plant
// a run for us to undo.
func Open(dir string) (*Base, error) {
	b := &Base{dir: dir}
	for _, d := range []string{dir, b.runs()} {
		if err := ensurePrivate(d); err != nil {
			return nil, err
		}
	}
	return b, nil
}

// Dir returns the path of the base directory.
func (b *Base) Dir() string { return b.dir }

// CacheDir returns the path of the user's cache. It may not exist yet.
func (b *Base) CacheDir() string { return filepath.Join(b.dir, "cache") }

func (b *Base) runs() string { return filepath.Join(b.dir, "runs") }

// ensurePrivate makes dir, mode 0700, or checks the one that is there.
func ensurePrivate(dir string) error {
	err := os.Mkdir(dir, 0o700)
	switch {
	case errors.Is(err, os.ErrExist), errors.Is(err, syscall.EROFS):
	case errors.Is(err, os.ErrNotExist):
		return dirProblem(dir, err, "create "+filepath.Dir(dir)+", or set XDG_RUNTIME_DIR to a directory that exists")
	case err != nil:
		return dirProblem(dir, err, "nsrun keeps the state of runs there: make it writable, or free space")
	}
	return checkPrivate(dir)
}

func checkPrivate(dir string) error {
	info, err := os.Lstat(dir)
	if err != nil {
		return dirProblem(dir, err, "nsrun keeps the state of runs there: make it writable, or free space")
	}
	st := info.Sys().(*syscall.Stat_t)
	switch {
	case !info.IsDir():
		return dirProblem(dir, errors.New("not a directory"), "remove it")
	case int(st.Uid) != os.Geteuid():
		return dirProblem(dir, fmt.Errorf("belongs to user %d", st.Uid), "remove it, or set XDG_RUNTIME_DIR to a directory of your own")
	case info.Mode().Perm()&0o077 != 0:
		return dirProblem(dir, fmt.Errorf("mode %04o lets others in", info.Mode().Perm()), "chmod 0700 "+dir)
	}
	return nil
}

// OpenFilesHint says what helps against EMFILE.
const OpenFilesHint = "raise the limit on open files: ulimit -n 1024"

func dirProblem(dir string, err error, hint string) error {
	var path *os.PathError
	if errors.As(err, &path) {
		err = path.Err
	}
	d := &ns.Diagnostic{Summary: fmt.Sprintf("use the run directory %s: %v", dir, err), Hint: hint}
	if errors.As(err, &d.Errno); d.Errno == syscall.EMFILE {
		d.Hint = OpenFilesHint
	}
	return d
}
