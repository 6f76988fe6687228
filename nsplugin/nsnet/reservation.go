// SPDX-License-Identifier: Apache-2.0

package nsnet

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/nsrun/nsrun/nsplugin"
)

// Reservations is a directory of the host ports that runs have published, one file
// for each run. A port that is published by rules of the kernel is no socket, so
// bind(2) doesn't tell one run of another's.
type Reservations string

// HostPorts are the ports that root's runs have published, on whatever backend. The
// directory is on /run, as the rules are in the kernel: a reboot clears both.
const HostPorts = Reservations("/run/nsrun/ports")

// reservation is what a run's file says.
type reservation struct {
	RunID   string    `json:"runId"`
	RunName string    `json:"runName"`
	Ports   []Mapping `json:"ports"`
}

// Take reserves ports for a run, or returns a diagnostic if another run has one of
// them. What the run had before is replaced.
func (dir Reservations) Take(runID, runName string, ports []Mapping) error {
	if len(ports) == 0 {
		return dir.Drop(runID)
	}
	if err := dir.take(reservation{runID, runName, ports}); err != nil {
		return taken(err)
	}
	return nil
}

// Check returns a diagnostic if a run has one of ports.
func (dir Reservations) Check(ports []Mapping) error { return dir.check(ports, "") }

// check returns a diagnostic if a run other than runID has one of ports.
func (dir Reservations) check(ports []Mapping, runID string) error {
	if err := dir.free(ports, runID); err != nil {
		return taken(err)
	}
	return nil
}

func taken(err error) error {
	return nsplugin.Errorf("publish: %w", err).WithOption("publish").WithHint("another host port")
}

func (dir Reservations) take(r reservation) error {
	unlock, err := LockFile(filepath.Join(string(dir), "lock"))
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
func (dir Reservations) free(ports []Mapping, runID string) error {
	for _, other := range dir.others(runID) {
		if err := clash(other.Ports, ports); err != nil {
			return fmt.Errorf("%w by run %s", err, other.RunName)
		}
	}
	return nil
}

// Drop gives the run's ports free. It succeeds if the run has none.
func (dir Reservations) Drop(runID string) error {
	err := os.Remove(dir.file(runID))
	if err == nil || errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return nsplugin.Errorf("give the ports of run %s free: %w", runID, err)
}

// others returns the reservations of all runs but runID. A file that can't be
// read reserves nothing: it was cut short before any rule was made.
func (dir Reservations) others(runID string) []reservation {
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

func (dir Reservations) file(runID string) string {
	return filepath.Join(string(dir), runID+".json")
}
