// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// lockTime is how long a lock is waited for that others hold for one attach at
// most.
const lockTime = 20 * time.Second

// lockFile takes the lock of a file, which it makes if need be, until unlock is
// called or this process ends; flock(2).
func lockFile(path string) (unlock func(), err error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if !flock(f, lockTime) {
		f.Close()
		return nil, fmt.Errorf("lock %s: others hold it for longer than %v", path, lockTime)
	}
	return func() { f.Close() }, nil
}

// flock takes the lock of f. It gives up, and returns false, after a while.
func flock(f *os.File, wait time.Duration) bool {
	const poll = 5 * time.Millisecond
	for end := time.Now().Add(wait); ; time.Sleep(poll) {
		if unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB) == nil {
			return true
		}
		if time.Now().After(end) {
			return false
		}
	}
}

// iptablesLock keeps other attaches with iptables out until unlock is called. The
// reference plugins look whether a shared chain is there and then make it, which
// fails if two of them do.
func iptablesLock() (unlock func(), err error) {
	return lockFile(filepath.Join(runDir, "iptables.lock"))
}
