// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// detach removes all of a run: its elements in the table, its interfaces, its
// leases, and what was there for it alone. It succeeds when there is nothing.
func detach(k *kernel, runID string) error {
	// Each of the two waits for all processors, for some ten milliseconds.
	links := make(chan error)
	go func() { links <- errors.Join(k.removeLink(hostEnd(runID)), k.removeLink(shaper(runID))) }()
	// Another sandbox can have the address when both are done.
	if err := errors.Join(withdraw(k, runID), <-links); err != nil {
		return err
	}
	return release(k, runID)
}

// withdraw removes the run's rules.
func withdraw(k *kernel, runID string) error {
	if there, err := k.hasTable(); !there || err != nil {
		return err
	}
	unlock, err := lock()
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
// that was. The last bridge takes the table with it.
func release(k *kernel, runID string) error {
	all := networks()
	if len(all) == 0 {
		return nil
	}
	unlock, err := lock()
	if err != nil {
		return err
	}
	defer unlock()
	var errs []error
	users := 0
	for device, dir := range all {
		left, err := dir.release(runID)
		if err == nil && left == 0 {
			err = removeNetwork(k, device, dir)
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
func removeNetwork(k *kernel, device string, dir leases) error {
	if err := errors.Join(k.removeLink(device), k.removeBridgeElements(device)); err != nil {
		return err
	}
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
