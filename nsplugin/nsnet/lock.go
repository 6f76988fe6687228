// SPDX-License-Identifier: Apache-2.0

package nsnet

import (
	"fmt"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// lockTime is how long a lock is waited for that others hold while they attach one
// sandbox.
const lockTime = 20 * time.Second

// LockFile takes the lock of a file, which it makes if need be with its directory,
// until unlock is called or this process ends; flock(2). It gives up after 20 s.
func LockFile(path string) (unlock func(), err error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if !Flock(f, lockTime) {
		f.Close()
		return nil, fmt.Errorf("lock %s: others hold it for longer than %v", path, lockTime)
	}
	return func() { f.Close() }, nil
}

// Flock takes the lock of f; flock(2). It gives up, and returns false, after wait.
//
// The kernel wakes those that wait, so that a hundred of them cost nothing and none is
// always too late.
func Flock(f *os.File, wait time.Duration) bool {
	fd := int(f.Fd())
	if unix.Flock(fd, unix.LOCK_EX|unix.LOCK_NB) == nil {
		return true
	}
	taken := make(chan error, 1)
	go func() { taken <- flockBlocking(fd) }()
	select {
	case err := <-taken:
		return err == nil
	case <-time.After(wait):
		// The call goes on. If it comes to have the lock after f was closed, the lock
		// ends with the call.
		return false
	}
}

func flockBlocking(fd int) error {
	for {
		if err := unix.Flock(fd, unix.LOCK_EX); err != unix.EINTR {
			return err
		}
	}
}
