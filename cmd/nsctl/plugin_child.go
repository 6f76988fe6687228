// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"sync"

	"github.com/nsrun/nsrun/core/journal"
	"github.com/nsrun/nsrun/core/stage"
	"github.com/nsrun/nsrun/ns"
	"github.com/nsrun/nsrun/nsplugin/conform"
)

// newChild makes a child that waits in new namespaces, for hooks to work on. Those in
// pin are reachable until it is closed, the others until it ends, as in a run.
func newChild(kinds, pin []ns.Kind) (*conform.Child, error) {
	dir, err := os.MkdirTemp("", "nsctl-child-")
	if err != nil {
		return nil, err
	}
	process, err := stage.Start(kinds)
	if err != nil {
		_ = os.Remove(dir)
		return nil, err
	}
	child := &conform.Child{PID: process.PID(), Paths: map[ns.Kind]string{}, Kill: sync.OnceFunc(process.Abandon)}
	child.Close = func() { unpin(dir, pin) }
	for _, k := range kinds {
		child.Paths[k] = fmt.Sprintf("/proc/%d/ns/%s", child.PID, k.File())
	}
	if err := process.AwaitNamespaces(); err != nil {
		child.Kill()
		child.Close()
		return nil, err
	}
	for _, k := range pin {
		child.Paths[k] = filepath.Join(dir, k.File())
		if err := journal.PinAt(child.Paths[k], k, child.PID); err != nil {
			child.Kill()
			child.Close()
			return nil, err
		}
	}
	return child, nil
}

// unpin removes what newChild made in dir, as much of it as there is.
func unpin(dir string, pinned []ns.Kind) {
	for _, k := range pinned {
		_ = journal.UnpinAt(filepath.Join(dir, k.File()))
	}
	_ = os.Remove(dir)
}
