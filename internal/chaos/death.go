// SPDX-License-Identifier: Apache-2.0

package main

import (
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/nsrun/nsrun/internal/procfs"
)

// death is a way to kill a run: which of its processes get SIGKILL at one moment.
type death struct {
	name string
	of   []role
}

// role is what a process does in a run of nsrun.
type role string

const (
	front      role = "nsrun"
	pluginHost role = "nsrun-host"
	plugin     role = "a plugin"
	initial    role = "nsrun-init"
	reaper     role = "nsrun-reaper"
	other      role = "" // the command, and what plugins started
)

// deaths are those of hardening against which a run is undone.
func deaths() []death {
	return []death{
		{"SIGKILL of nsrun", []role{front}},
		{"of a plugin", []role{plugin}},
		{"of the plugin host", []role{pluginHost}},
		{"of init", []role{initial}},
		{"of the reaper", []role{reaper}},
		{"of nsrun and reaper", []role{front, reaper}},
		{"of all of them", []role{front, pluginHost, plugin, initial, reaper}},
	}
}

// leavesFront reports whether nsrun itself lives on.
func (d death) leavesFront() bool { return !slices.Contains(d.of, front) }

// strike kills the processes of the run whose nsrun is pid, and returns how many there were.
func (d death) strike(pid int) (killed int) {
	for _, p := range family(pid) {
		if slices.Contains(d.of, p.role) && syscall.Kill(p.pid, syscall.SIGKILL) == nil {
			killed++
		}
	}
	return killed
}

// member is a process of a run.
type member struct {
	pid  int
	role role
}

// family returns the process pid and all that come from it, itself last: whoever is
// killed before his children can't tell them.
func family(pid int) (all []member) {
	for _, p := range procfs.Family(pid) {
		all = append(all, member{p, roleOf(p, p == pid)})
	}
	return all
}

func roleOf(pid int, first bool) role {
	argv0, _, _ := strings.Cut(procfs.Read(pid, "cmdline"), "\x00")
	switch base := filepath.Base(argv0); {
	case first:
		return front
	case strings.HasPrefix(base, "nsrun-plugin-"):
		return plugin
	case base == string(pluginHost):
		return pluginHost
	}
	if r := role(strings.TrimSpace(procfs.Read(pid, "comm"))); r == initial || r == reaper {
		return r
	}
	return other
}
