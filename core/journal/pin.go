// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/nsrun/nsrun/ns"
	"golang.org/x/sys/unix"
)

// Pin keeps the namespace of kind k of the process pid alive, after the process
// has gone too, by a bind mount in the run directory, and returns its path. CNI
// DEL leaves rules behind when the network namespace is gone before it.
func (r *Run) Pin(k ns.Kind, pid int) (string, error) {
	dir, err := r.Sub("ns")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, k.File())
	return path, PinAt(path, k, pid)
}

// PinAt makes the file path and has it stand for the namespace, until [UnpinAt].
func PinAt(path string, k ns.Kind, pid int) error {
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		return dirProblem(path, err, "free space or inodes there")
	}
	source := fmt.Sprintf("/proc/%d/ns/%s", pid, k.File())
	if err := unix.Mount(source, path, "", unix.MS_BIND, ""); err != nil {
		d := &ns.Diagnostic{Summary: fmt.Sprintf("pin %s on %s: %v", source, path, err),
			Hint: "pinning a namespace needs CAP_SYS_ADMIN in the host's mount namespace"}
		errors.As(err, &d.Errno)
		return d
	}
	return nil
}

// UnpinAt lets go of the namespace and removes the file.
func UnpinAt(path string) error {
	if err := unix.Unmount(path, unix.MNT_DETACH); err != nil && !errors.Is(err, unix.EINVAL) {
		return fmt.Errorf("unmount %s: %w", path, err)
	}
	return os.Remove(path)
}

// Unpin lets go of every namespace that the run pinned.
func (r *Run) Unpin() error { return unpinAll(r.dir) }

// unpinAll lets go of every namespace that is pinned in the run directory dir. What it
// can't look into is an error: a pin that stays can't be removed with its directory.
func unpinAll(dir string) error {
	dir = filepath.Join(dir, "ns")
	pins, err := readNames(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	for _, name := range pins {
		err = errors.Join(err, UnpinAt(filepath.Join(dir, name)))
	}
	return err
}
