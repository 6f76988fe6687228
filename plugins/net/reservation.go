// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// reservations is the directory of the host ports that runs have published, one
// file for each run. A published port is a rule and no socket, so bind(2) doesn't
// tell one run of another's.
//
// The directory is on /run, as the rules are in the kernel: a reboot clears both.
type reservations string

// reservation is what a run's file says.
type reservation struct {
	RunID   string    `json:"runId"`
	RunName string    `json:"runName"`
	Ports   []mapping `json:"ports"`
}

// take reserves r's ports, unless another run has one of them.
func (dir reservations) take(r reservation) error {
	if len(r.Ports) == 0 {
		return nil
	}
	unlock, err := dir.lock()
	if err != nil {
		return err
	}
	defer unlock()
	if err := dir.free(r.Ports, r.RunID); err != nil {
		return err
	}
	data, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("encode reservation: %w", err)
	}
	return os.WriteFile(dir.file(r.RunID), data, 0o600)
}

// free returns an error if a run other than runID has one of ports.
func (dir reservations) free(ports []mapping, runID string) error {
	for _, other := range dir.others(runID) {
		if err := clash(other.Ports, ports); err != nil {
			return fmt.Errorf("%w by run %s", err, other.RunName)
		}
	}
	return nil
}

// drop gives the run's ports free.
func (dir reservations) drop(runID string) error {
	err := os.Remove(dir.file(runID))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// others returns the reservations of all runs but runID. A file that can't be
// read reserves nothing: it was cut short before any rule was made.
func (dir reservations) others(runID string) []reservation {
	files, _ := filepath.Glob(filepath.Join(string(dir), "*.json"))
	var all []reservation
	for _, file := range files {
		var r reservation
		data, err := os.ReadFile(file)
		if err == nil && json.Unmarshal(data, &r) == nil && r.RunID != runID {
			all = append(all, r)
		}
	}
	return all
}

func (dir reservations) file(runID string) string {
	return filepath.Join(string(dir), runID+".json")
}

// lock keeps other runs out until unlock is called.
func (dir reservations) lock() (unlock func(), err error) {
	return lockFile(filepath.Join(string(dir), "lock"))
}
