// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
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
func family(pid int) []member {
	children := map[int][]int{}
	for _, name := range processDirs() {
		child, _ := strconv.Atoi(filepath.Base(name))
		if parent, ok := parentOf(name); ok {
			children[parent] = append(children[parent], child)
		}
	}
	var all []member
	var add func(int)
	add = func(p int) {
		for _, c := range children[p] {
			add(c)
		}
		all = append(all, member{p, roleOf(p, p == pid)})
	}
	add(pid)
	return all
}

func processDirs() []string {
	dirs, _ := filepath.Glob("/proc/[0-9]*")
	return dirs
}

// parentOf returns the parent of the process at dir in proc(5).
func parentOf(dir string) (pid int, ok bool) {
	stat, err := os.ReadFile(filepath.Join(dir, "stat"))
	if err != nil {
		return 0, false
	}
	fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
	pid, err = strconv.Atoi(fields[1])
	return pid, err == nil
}

func roleOf(pid int, first bool) role {
	comm, _ := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid))
	line, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	argv0, _, _ := strings.Cut(string(line), "\x00")
	switch base := filepath.Base(argv0); {
	case first:
		return front
	case strings.HasPrefix(base, "nsrun-plugin-"):
		return plugin
	case base == string(pluginHost):
		return pluginHost
	}
	if r := role(strings.TrimSpace(string(comm))); r == initial || r == reaper {
		return r
	}
	return other
}
