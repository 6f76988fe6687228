// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"errors"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"strings"

	"github.com/containernetworking/cni/libcni"

	"github.com/nsrun/nsrun/nsplugin/nsnet"
)

// leases is a directory of the CNI plugin host-local: a file for each address
// that is given out, named by the address, holding the run's id and the name of
// the interface.
type leases string

// leaseDir returns the directory in which a plugin's addresses are given out, if
// host-local does that.
func leaseDir(network string, plugin *libcni.PluginConfig) (leases, bool) {
	var conf struct {
		IPAM struct {
			Type    string `json:"type"`
			DataDir string `json:"dataDir"`
		} `json:"ipam"`
	}
	if json.Unmarshal(plugin.Bytes, &conf) != nil || conf.IPAM.Type != "host-local" {
		return "", false
	}
	dir := conf.IPAM.DataDir
	if dir == "" {
		dir = "/var/lib/cni/networks" // host-local's own default
	}
	return leases(filepath.Join(dir, network)), true
}

// list returns the files of the leases, by address.
func (dir leases) list() ([]string, error) {
	entries, err := os.ReadDir(string(dir))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var files []string
	for _, e := range entries {
		if _, err := netip.ParseAddr(e.Name()); err == nil {
			files = append(files, filepath.Join(string(dir), e.Name()))
		}
	}
	return files, nil
}

// holders returns the ids of the runs that have leases, once for each whose address
// answers to match.
func (dir leases) holders(match func(netip.Addr) bool) []string {
	var ids []string
	files, _ := dir.list()
	for _, file := range files {
		if a, err := netip.ParseAddr(filepath.Base(file)); err == nil && match(a) {
			text, _ := os.ReadFile(file)
			id, _, _ := strings.Cut(string(text), "\r\n")
			ids = append(ids, id)
		}
	}
	return ids
}

// release removes the leases of a run.
func (dir leases) release(runID string) error {
	return dir.removeIf(leasedTo(runID))
}

// leasedTo returns whether a lease's text names the run.
func leasedTo(runID string) func(text string) bool {
	return func(text string) bool {
		id, _, _ := strings.Cut(text, "\r\n")
		return id == runID
	}
}

// repair removes leases that belong to nobody: host-local died between making the
// file and writing to it, and would never give out that address again.
func (dir leases) repair() error {
	return dir.removeIf(func(text string) bool { return text == "" })
}

// removeIf removes the leases whose text answers to match. It takes host-local's
// lock only if there are some, and then looks again.
func (dir leases) removeIf(match func(text string) bool) error {
	found, err := dir.find(match)
	if err != nil || len(found) == 0 {
		return err
	}
	unlock, err := dir.lock()
	if err != nil {
		return err
	}
	defer unlock()
	if found, err = dir.find(match); err != nil {
		return err
	}
	for _, file := range found {
		if err := os.Remove(file); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// find returns the leases whose text answers to match.
func (dir leases) find(match func(text string) bool) ([]string, error) {
	files, err := dir.list()
	if err != nil {
		return nil, err
	}
	var found []string
	for _, file := range files {
		if text, err := os.ReadFile(file); err == nil && match(string(text)) {
			found = append(found, file)
		}
	}
	return found, nil
}

// lock takes host-local's lock until unlock is called.
func (dir leases) lock() (unlock func(), err error) {
	return nsnet.LockFile(filepath.Join(string(dir), "lock"))
}
