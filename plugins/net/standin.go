// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os"
	"runtime"

	"golang.org/x/sys/unix"
)

// liveNamespace returns path if a network namespace is there. If it is gone, it
// returns the path of an empty one, which stands in for it until done is called:
// without a namespace, the reference plugins report success on DEL and leave
// their rules behind.
func liveNamespace(path string) (live string, done func(), err error) {
	var fs unix.Statfs_t
	if unix.Statfs(path, &fs) == nil && fs.Type == unix.NSFS_MAGIC {
		return path, func() {}, nil
	}
	return emptyNamespace()
}

// emptyNamespace makes a network namespace that lives until done is called.
func emptyNamespace() (path string, done func(), err error) {
	made := make(chan error)
	over := make(chan struct{})
	go func() {
		// The thread is never unlocked: Go ends it with the goroutine, and the
		// namespace goes with it. No other goroutine ever runs in there.
		runtime.LockOSThread()
		path = fmt.Sprintf("/proc/%d/task/%d/ns/net", os.Getpid(), unix.Gettid())
		made <- unix.Unshare(unix.CLONE_NEWNET)
		<-over
	}()
	if err := <-made; err != nil {
		close(over)
		return "", nil, fmt.Errorf("make a stand-in network namespace: %w", err)
	}
	return path, func() { close(over) }, nil
}
