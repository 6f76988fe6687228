// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"

	"github.com/nsrun/nsrun/internal/chaos/oracle"
	"github.com/nsrun/nsrun/internal/procfs"
)

// sample is what a host has at a time: after so many runs of a soak, or so many seconds of
// a rest.
type sample struct {
	At     int
	Gauges map[string]int
}

// gauges are what a sample has, in the order in which they are printed.
var gauges = []string{
	"processes", "fds of nsrun", memory, worked, "mounts", "links", "addresses", "routes",
	"nft lines", "iptables rules", "sockets", "files", "bytes of files", "bytes of the cache",
}

// The gauges that aren't counted.
const (
	memory = "memory of nsrun, kB"
	worked = "processor time of nsrun, ms"
)

// String returns what there is.
func (s sample) String() string {
	var words []string
	for _, name := range gauges {
		if n := s.Gauges[name]; n > 0 {
			words = append(words, fmt.Sprintf("%s %d", name, n))
		}
	}
	return strings.Join(words, "; ")
}

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
		g[memory] += kilobytes
		g[worked] += int(procfs.ProcessorTime(pid).Milliseconds())
	}
	for _, dir := range stateDirs {
		all, cached := sizes(dir)
		g["bytes of files"] += all - cached
		g["bytes of the cache"] += cached
	}
	return g, err
}

// processesOfNsrun returns those that stay between runs, such as a warm plugin host, and
// those of runs.
func processesOfNsrun() (pids []int) {
	for _, p := range family(1, 0) {
		if p.role != other || nameOf(p.pid) == string(front) {
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
