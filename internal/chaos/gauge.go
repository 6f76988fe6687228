// SPDX-License-Identifier: Apache-2.0

package main

import (
	"io/fs"
	"path/filepath"
	"strings"

	"github.com/nsrun/nsrun/internal/chaos/oracle"
	"github.com/nsrun/nsrun/internal/procfs"
)

// sample is what a host has after so many runs.
type sample struct {
	Runs   int
	Gauges map[string]int
}

// gauges are what a sample has, in the order in which they are printed, and by how much
// each may grow in a soak without that being a leak: a lease's number gets longer, and the
// memory of processes that stay depends on when they last gave some back.
var gauges = []struct {
	name      string
	allowance int
	from      int // how many runs it takes until it says anything
}{
	{"processes", 0, 0}, {"fds of nsrun", 0, 0}, {"memory of nsrun, kB", 8192, warmUp}, {"mounts", 0, 0}, {"links", 0, 0}, {"addresses", 0, 0}, {"routes", 0, 0},
	{"nft lines", 0, 0}, {"iptables rules", 0, 0}, {"sockets", 0, 0}, {"files", 0, 0}, {"bytes of files", 4096, 0}, {"bytes of the cache", 4096, 0},
}

// warmUp is how many runs fill the heaps of plugins that stay.
const warmUp = 500

// classes are the things of the oracle that gauges count.
var classes = map[oracle.Class]string{
	oracle.Process: "processes", oracle.FD: "fds of nsrun", oracle.Mount: "mounts", oracle.Link: "links", oracle.Address: "addresses", oracle.Route: "routes",
	oracle.NFT: "nft lines", oracle.Iptables: "iptables rules", oracle.Socket: "sockets", oracle.File: "files",
}

// stateDirs are where nsrun keeps files on a host.
var stateDirs = []string{"/run", "/mnt/xdg"}

// gauge looks at the host.
func gauge() (map[string]int, error) {
	ours := processesOfNsrun()
	things, err := oracle.Take(oracle.Scope{Dirs: stateDirs, Processes: ours})
	g := map[string]int{}
	for thing, n := range things {
		g[classes[thing.Class]] += n
	}
	delete(g, "")
	for _, pid := range ours {
		kilobytes, _ := procfs.PSS(pid) // none of one that has just ended
		g["memory of nsrun, kB"] += kilobytes
	}
	for _, dir := range stateDirs {
		all, cached := sizes(dir)
		g["bytes of files"] += all - cached
		g["bytes of the cache"] += cached
	}
	return g, err
}

// processesOfNsrun returns those that stay between runs, such as a warm plugin host.
func processesOfNsrun() (pids []int) {
	for _, p := range family(1, 0) {
		if p.role != other {
			pids = append(pids, p.pid)
		}
	}
	return pids
}

// sizes returns how many bytes the files below dir have, and those of caches among them.
func sizes(dir string) (all, cached int) {
	_ = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return nil // gone since
		}
		info, err := d.Info()
		if err != nil {
			return nil
		}
		all += int(info.Size())
		if strings.Contains(path, "/nsrun/cache/") {
			cached += int(info.Size())
		}
		return nil
	})
	return all, cached
}
