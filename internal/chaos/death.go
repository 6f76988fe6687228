// SPDX-License-Identifier: Apache-2.0

package main

import (
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/nsrun/nsrun/internal/procfs"
)

// death is a way to kill a run: which of its processes get SIGKILL at a random moment.
type death struct {
	title string
	of    []role
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
func deaths() []way {
	return []way{
		death{"SIGKILL of nsrun", []role{front}},
		death{"of a plugin", []role{plugin}},
		death{"of the plugin host", []role{pluginHost}},
		death{"of init", []role{initial}},
		death{"of the reaper", []role{reaper}},
		death{"of nsrun and reaper", []role{front, reaper}},
		death{"of all of them", []role{front, pluginHost, plugin, initial, reaper}},
	}
}

func (d death) name() string { return d.title }

func (d death) torment(k *killer, v victim, j job) error {
	return j.repeat(func() error { return k.kill(v, d) })
}

// kill has the victim die once at a random moment of a run, which every second time
// is one whose command ends.
func (k *killer) kill(v victim, d death) error {
	id := k.id()
	command := words("sleep 5151")
	if k.runs%2 == 0 {
		command = words("true")
	}
	a, err := start(v.command(v.argv(id, command...)))
	if err != nil {
		return err
	}
	var t tally
	if a.endsWithin(k.moment()) {
		t.Kills++
	} else {
		k.strike(a, d, &t)
	}
	return k.account(v, t, id)
}

// strike kills a run, and waits for its end. One whose nsrun lives on has a while to see
// what happened, and is asked to end then.
func (k *killer) strike(a *attempt, d death, t *tally) {
	t.Kills++
	t.Hit += min(d.strike(a.pid()), 1)
	if d.leavesFront() {
		if a.endsWithin(k.moment()) {
			return
		}
		_ = a.cmd.Process.Signal(syscall.SIGTERM)
	} else if !slices.Contains(d.of, reaper) {
		t.struck = time.Now()
	}
	_ = a.outlast(patience, t)
}

// leavesFront reports whether nsrun itself lives on.
func (d death) leavesFront() bool { return !slices.Contains(d.of, front) }

// strike kills those of the run whose nsrun is pid, and returns how many there were.
func (d death) strike(pid int) (killed int) { return d.strikeBelow(pid, pid) }

// strikeBelow kills those that come from the process top, of the run whose nsrun is, or
// was, pid. What is left of a run whose nsrun is gone comes from the host's first process.
func (d death) strikeBelow(top, pid int) (killed int) {
	for _, p := range family(top, pid) {
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

// family returns the process top and all that come from it, itself last, as those of the
// run whose nsrun is pid: whoever is killed before his children can't tell them.
func family(top, pid int) (all []member) {
	for _, p := range procfs.Family(top) {
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
	case base == string(pluginHost), base == string(reaper): // which is at work
		return role(base)
	}
	if r := role(nameOf(pid)); r == initial || r == reaper {
		return r
	}
	return other
}

// nameOf returns the name of a process, or "" if it is gone; proc_pid_comm(5).
func nameOf(pid int) string { return strings.TrimSpace(procfs.Read(pid, "comm")) }
