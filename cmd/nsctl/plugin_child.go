// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"os"
	"sync"

	"github.com/nsrun/nsrun/core/stage"
	"github.com/nsrun/nsrun/ns"
	"github.com/nsrun/nsrun/nsplugin/conform"
)

// newChild makes a child that waits in new namespaces, for hooks to work on. Its
// namespaces stay reachable through descriptors of this process, as pinned ones
// do in a run.
func newChild(kinds []ns.Kind) (*conform.Child, error) {
	process, err := stage.Start(kinds)
	if err != nil {
		return nil, err
	}
	child := &conform.Child{PID: process.PID(), Paths: map[ns.Kind]string{}, Kill: sync.OnceFunc(process.Abandon)}
	var files []*os.File
	child.Close = func() {
		for _, f := range files {
			f.Close()
		}
	}
	var errs []error
	for _, k := range kinds {
		f, err := os.Open(fmt.Sprintf("/proc/%d/ns/%s", child.PID, k.File()))
		if err != nil {
			errs = append(errs, err)
			continue
		}
		files = append(files, f)
		child.Paths[k] = fmt.Sprintf("/proc/%d/fd/%d", os.Getpid(), f.Fd())
	}
	if err := errors.Join(errs...); err != nil {
		child.Kill()
		child.Close()
		return nil, err
	}
	return child, nil
}
