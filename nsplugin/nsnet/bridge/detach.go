// SPDX-License-Identifier: Apache-2.0

package bridge

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
)

// Detach removes all of a run: its elements in the table, its interfaces, its
// leases, and what was there for it alone. It succeeds when there is nothing. The
// state is what [Box.State] returned; without it all that there is to undo is found by
// the run's id.
//
// Whatever removes an interface or rules waits for all processors; so what can be done
// side by side is, and without the lock as far as it touches nobody else.
func (w *Wish) Detach(k *Kernel, runID string, state []byte) error {
	r, err := w.recall(runID, state)
	if err != nil {
		return err
	}
	alone, err := tearDown(k, r)
	if alone || err != nil {
		return err
	}
	rules := make(chan error)
	go func() { rules <- withdraw(k, r) }()
	// Another sandbox can have the address when both are done.
	if err := errors.Join(k.removeLinks(HostEnd(r.runID), shaper(r.runID)), <-rules); err != nil {
		return err
	}
	return release(k, r)
}

// tearDown removes everything if the run is the last one, and reports whether it is.
func tearDown(k *Kernel, r *record) (alone bool, err error) {
	unlock, err := lockToUndo()
	if err != nil {
		return false, err
	}
	defer unlock()
	if others, err := r.others(); others > 0 || err != nil {
		return false, err
	}
	all := networks()
	rules := make(chan error)
	go func() { rules <- errors.Join(k.removeTable(), k.forgetRun(r)) }()
	for device := range r.Addresses {
		all[device] = network{device: device}.leases() // also if somebody has removed the files
	}
	names := append(slices.Collect(maps.Keys(all)), HostEnd(r.runID), shaper(r.runID))
	if err := errors.Join(k.removeLinks(names...), <-rules); err != nil {
		return true, err
	}
	var errs []error
	for device, dir := range all {
		_, err := dir.release(r.runID, r.Addresses[device])
		errs = append(errs, err, removeDir(device, dir))
	}
	return true, errors.Join(errs...)
}

// withdraw removes the run's rules: those that must be there, or all that are found if
// that fails, as it does when one is missing.
func withdraw(k *Kernel, r *record) error {
	if !r.Complete || k.removeElements(r) != nil {
		if err := k.searchElements(r.runID, runSets()); err != nil {
			return err
		}
	}
	return k.forgetRun(r)
}

// release gives the run's addresses free, and removes each bridge whose last sandbox
// that was.
func release(k *Kernel, r *record) error {
	unlock, err := lockToUndo()
	if err != nil {
		return err
	}
	defer unlock()
	var errs []error
	for device, addresses := range r.Addresses {
		dir := network{device: device}.leases()
		left, err := dir.release(r.runID, addresses)
		if err == nil && left == 0 {
			err = k.removeNetwork(device, dir)
		}
		errs = append(errs, err)
	}
	if !r.Complete {
		// A change of ports can have been under way when withdraw looked.
		errs = append(errs, k.searchElements(r.runID, portSets()))
	}
	_, guests, err := readGuests("")
	if err == nil && len(guests) == 0 && len(networks()) == 0 {
		err = k.removeTable()
	}
	return errors.Join(append(errs, err)...)
}

// removeNetwork removes a bridge that has no sandbox any more, and its directory.
func (k *Kernel) removeNetwork(device string, dir leases) error {
	if err := errors.Join(k.removeLinks(device), k.removeBridgeElements(device)); err != nil {
		return err
	}
	return removeDir(device, dir)
}

// removeDir removes the directory of a network without leases, and with it what was
// leased last and what somebody was writing when he was killed: nobody else writes there
// while we have the lock.
func removeDir(device string, dir leases) error {
	parts, _ := filepath.Glob(partOf(filepath.Join(string(dir), "*")))
	for _, file := range append(parts, filepath.Join(string(dir), "last4"), filepath.Join(string(dir), "last6")) {
		if err := os.Remove(file); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	if err := os.Remove(string(dir)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove the leases of bridge %s: %w", device, err)
	}
	return nil
}
