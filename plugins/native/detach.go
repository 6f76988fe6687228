// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
)

// detach removes all of a run: its elements in the table, its interfaces, its
// leases, and what was there for it alone. It succeeds when there is nothing.
//
// Whatever removes an interface or rules waits for all processors, for some ten
// milliseconds each time; so what can be done side by side is.
func detach(k *kernel, runID string) error {
	unlock, err := lockToUndo()
	if err != nil {
		return err
	}
	others, err := othersThan(runID)
	if err == nil && others == 0 {
		defer unlock()
		return tearDown(k, runID)
	}
	unlock()
	if err != nil {
		return err
	}
	rules := make(chan error)
	go func() { rules <- withdraw(k, runID) }()
	// Another sandbox can have the address when both are done.
	if err := errors.Join(k.removeLinks(hostEnd(runID), shaper(runID)), <-rules); err != nil {
		return err
	}
	return release(k, runID)
}

// othersThan returns how many leases other runs have.
func othersThan(runID string) (count int, err error) {
	for _, dir := range networks() {
		all, err := dir.list()
		if err != nil {
			return 0, err
		}
		for _, h := range all {
			if h.RunID != runID {
				count++
			}
		}
	}
	return count, nil
}

// tearDown removes everything, the run being the last one. The caller holds the lock.
func tearDown(k *kernel, runID string) error {
	all := networks()
	rules := make(chan error)
	go func() { rules <- dropTable(k, runID) }()
	names := append(slices.Collect(maps.Keys(all)), hostEnd(runID), shaper(runID))
	if err := errors.Join(k.removeLinks(names...), <-rules); err != nil {
		return err
	}
	var errs []error
	for device, dir := range all {
		_, err := dir.release(runID)
		errs = append(errs, err, removeDir(device, dir))
	}
	return errors.Join(errs...)
}

// dropTable removes the table, and what the kernel knows of the run's ports.
func dropTable(k *kernel, runID string) error {
	found, err := k.findElements(runID)
	if err != nil {
		return err
	}
	if err := k.removeTable(); err != nil {
		return err
	}
	var gone removed
	gone.note(found)
	return k.forgetRun(gone)
}

// withdraw removes the run's rules.
func withdraw(k *kernel, runID string) error {
	unlock, err := lockToUndo()
	if err != nil {
		return err
	}
	defer unlock()
	gone, err := k.removeElements(runID)
	if err != nil {
		return err
	}
	return k.forgetRun(gone)
}

// release gives the run's addresses free, and removes each bridge whose last sandbox
// that was.
func release(k *kernel, runID string) error {
	unlock, err := lockToUndo()
	if err != nil {
		return err
	}
	defer unlock()
	var errs []error
	users := 0
	for device, dir := range networks() {
		left, err := dir.release(runID)
		if err == nil && left == 0 {
			err = k.removeNetwork(device, dir)
		}
		if err != nil {
			left++ // it stays
			errs = append(errs, err)
		}
		users += left
	}
	if users == 0 {
		errs = append(errs, k.removeTable())
	}
	return errors.Join(errs...)
}

// removeNetwork removes a bridge that has no sandbox any more, and its directory.
func (k *kernel) removeNetwork(device string, dir leases) error {
	if err := errors.Join(k.removeLinks(device), k.removeBridgeElements(device)); err != nil {
		return err
	}
	return removeDir(device, dir)
}

// removeDir removes the directory of a network without leases.
func removeDir(device string, dir leases) error {
	for _, file := range []string{"last4", "last6"} {
		if err := os.Remove(filepath.Join(string(dir), file)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	if err := os.Remove(string(dir)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove the leases of bridge %s: %w", device, err)
	}
	return nil
}
