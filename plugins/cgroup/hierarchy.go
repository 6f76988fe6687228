// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"os"
	"path"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// group is a group of the run, or the one that it is to be made in.
type group struct {
	dir    string
	v2     bool
	limits []limit
}

func (g *group) controllers() string {
	var names []string
	for _, l := range g.limits {
		if !slices.Contains(names, l.controller) {
			names = append(names, l.controller)
		}
	}
	return strings.Join(names, ",")
}

// place returns the groups in which those of the run are to be made, with the limits of
// each, or why there are none for some.
func place(limits []limit) ([]group, error) {
	own, err := os.ReadFile("/proc/self/cgroup")
	mounts, err2 := os.ReadFile("/proc/self/mountinfo")
	if err := errors.Join(err, err2); err != nil {
		return nil, err
	}
	return placeIn(limits, string(own), string(mounts))
}

// placeIn is place for what proc(5) says in /proc/PID/cgroup and mountinfo.
func placeIn(limits []limit, own, mounts string) ([]group, error) {
	var groups []group
	var errs []error
	for _, l := range limits {
		g, why := find(l.controller, own, mounts)
		if why != "" {
			errs = append(errs, l.refuse(why, wayOut(why)))
			continue
		}
		i := slices.IndexFunc(groups, func(other group) bool { return other.dir == g.dir })
		if i < 0 {
			i, groups = len(groups), append(groups, g)
		}
		groups[i].limits = append(groups[i].limits, l)
	}
	return groups, errors.Join(errs...)
}

// The reasons why a controller can't be used.
const (
	notMounted   = "no hierarchy with it is mounted here"
	notWritable  = "the caller may not make groups in "
	notDelegated = "it is not handed down to "
)

// wayOut returns what to do about a reason.
func wayOut(why string) string {
	switch {
	case why == notMounted:
		return "mount -t cgroup2 cgroup2 /sys/fs/cgroup, as root, and a kernel that has it; or --plugins rlimit for limits of each process"
	case strings.HasPrefix(why, notDelegated):
		return "systemd-run --user --scope -p Delegate=yes nsrun ..., or Delegate=cpu memory pids io for user@.service"
	}
	return "run nsrun as root, or have the group delegated: systemd-run --user --scope -p Delegate=yes nsrun ..."
}

// find returns the group with controller in which one can be made, or why there
// is none.
func find(controller, own, mounts string) (g group, why string) {
	v1 := controller
	if v1 == "io" {
		v1 = "blkio"
	}
	for line := range strings.Lines(own) {
		f := strings.SplitN(strings.TrimSuffix(line, "\n"), ":", 3)
		if len(f) != 3 || !slices.Contains(strings.Split(f[1], ","), v1) {
			continue
		}
		if dir := dirOf(f[2], mounts, "cgroup", v1); dir != "" {
			return writable(group{dir: dir})
		}
	}
	for line := range strings.Lines(own) {
		if at, ok := strings.CutPrefix(strings.TrimSuffix(line, "\n"), "0::"); ok {
			if dir := dirOf(at, mounts, "cgroup2", ""); dir != "" {
				return delegated(controller, dir)
			}
		}
	}
	return g, notMounted
}

// dirOf returns the directory of a group in a mount of its hierarchy.
func dirOf(at, mounts, fsType, controller string) string {
	for line := range strings.Lines(mounts) {
		before, after, _ := strings.Cut(line, " - ")
		f, rest := strings.Fields(before), strings.Fields(after)
		if len(f) < 6 || len(rest) < 3 || rest[0] != fsType {
			continue
		}
		if controller != "" && !slices.Contains(strings.Split(rest[2], ","), controller) {
			continue
		}
		// The root of the mount is a group above, or beside in a namespace.
		if rel, ok := strings.CutPrefix(at, strings.TrimSuffix(f[3], "/")); ok {
			return path.Join(f[4], rel)
		}
	}
	return ""
}

func writable(g group) (group, string) {
	if unix.Faccessat(unix.AT_FDCWD, g.dir, unix.W_OK, unix.AT_EACCESS) != nil {
		return g, notWritable + g.dir
	}
	return g, ""
}

// delegated looks for a group of v2 whose children have the controller: the caller's own, as
// far as no process but the run's would have to be in it, or the one above.
func delegated(controller, dir string) (group, string) {
	if !hasWord(dir+"/cgroup.controllers", controller) {
		return group{}, notDelegated + dir
	}
	for _, d := range []string{dir, path.Dir(dir)} {
		_, inner := os.Stat(d + "/cgroup.type") // the root has none, and may hold processes
		if hasWord(d+"/cgroup.subtree_control", controller) || inner != nil {
			return writable(group{dir: d, v2: true})
		}
	}
	return group{}, notDelegated + "groups beside or below " + dir
}

func hasWord(file, word string) bool {
	text, err := os.ReadFile(file)
	return err == nil && slices.Contains(strings.Fields(string(text)), word)
}
