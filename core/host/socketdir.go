// SPDX-License-Identifier: Apache-2.0

package host

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// SocketDir makes a directory for the sockets of one plugin host below base,
// and returns the function that removes it. Directories that killed hosts left
// are removed first; a live host holds a lock on its own; flock(2).
func SocketDir(base string) (dir string, remove func(), err error) {
	parent := filepath.Join(base, "p")
	if err := os.Mkdir(parent, 0o700); err != nil && !errors.Is(err, os.ErrExist) {
		return "", nil, err
	}
	// Held while a new directory gets its lock, so that nobody takes it for one
	// that was left.
	guard, err := lockDir(parent, unix.LOCK_EX)
	if err != nil {
		return "", nil, err
	}
	defer guard.Close()
	sweep(parent)
	dir, err = os.MkdirTemp(parent, "")
	if err != nil {
		return "", nil, err
	}
	lock, err := lockDir(dir, unix.LOCK_EX|unix.LOCK_NB)
	return dir, func() { os.RemoveAll(dir); lock.Close() }, err
}

func lockDir(dir string, how int) (*os.File, error) {
	f, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(f.Fd()), how); err != nil {
		f.Close()
		return nil, fmt.Errorf("lock %s: %w", dir, err)
	}
	return f, nil
}

// sweep removes the directories below parent that nobody holds.
func sweep(parent string) {
	left, _ := os.ReadDir(parent)
	for _, d := range left {
		dir := filepath.Join(parent, d.Name())
		if lock, err := lockDir(dir, unix.LOCK_EX|unix.LOCK_NB); err == nil {
			os.RemoveAll(dir)
			lock.Close()
		}
	}
}
