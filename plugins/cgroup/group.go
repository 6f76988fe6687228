// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/nsrun/nsrun/nsplugin"
	"golang.org/x/sys/unix"
)

// listFile is the file of the run's directory that says which groups are its own. It
// is written before they are made.
const listFile = "cgroup.groups"

func remember(stateDir string, groups []group) error {
	var text strings.Builder
	for _, g := range groups {
		text.WriteString(g.dir + "\n")
	}
	if err := os.WriteFile(filepath.Join(stateDir, listFile), []byte(text.String()), 0o600); err != nil {
		return nsplugin.Errorf("write down the run's groups: %w", err)
	}
	return nil
}

func recall(stateDir string) ([]string, error) {
	text, err := os.ReadFile(filepath.Join(stateDir, listFile))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, nsplugin.Errorf("read which groups are the run's: %w", err)
	}
	return strings.Fields(string(text)), nil
}

// fill makes the group with its limits and moves the process pid into it.
func (g *group) fill(pid int) error {
	if g.v2 {
		for _, l := range g.limits { // only the root's may be missing
			_ = write(filepath.Dir(g.dir), "cgroup.subtree_control", "+"+l.controller)
		}
	}
	if err := os.Mkdir(g.dir, 0o755); err != nil {
		return nsplugin.Errorf("make group: %w", err)
	}
	for _, l := range g.limits {
		if err := g.set(l); err != nil {
			return nsplugin.Errorf("--%s: %w", l.option, err).WithOption(l.option).WithHint(hints[l.option])
		}
	}
	if err := write(g.dir, "cgroup.procs", strconv.Itoa(pid)); err != nil {
		return nsplugin.Errorf("move process %d: %w", pid, err).WithHint("run nsrun as root, or from a delegated group")
	}
	return nil
}

func (g *group) set(l limit) error {
	settings := l.v1
	if g.v2 {
		settings = l.v2
	}
	for _, s := range settings {
		if err := write(g.dir, s.file, s.value); err != nil && !(s.optional && (errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission))) {
			return err
		}
	}
	return nil
}

// write writes to a file of a group. It never makes one.
func write(dir, file, value string) error {
	f, err := os.OpenFile(filepath.Join(dir, file), os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	if _, err := f.WriteString(value); err != nil {
		return errors.Join(fmt.Errorf("write %q: %w", value, err), f.Close())
	}
	return f.Close()
}

// outOfMemory reports whether the kernel has killed a process of the group for memory.
func outOfMemory(dir string) bool {
	for _, file := range []string{"memory.events", "memory.oom_control"} { // v2, v1
		text, _ := os.ReadFile(filepath.Join(dir, file))
		for line := range strings.Lines(string(text)) {
			if n, ok := strings.CutPrefix(strings.TrimSpace(line), "oom_kill "); ok && n != "0" {
				return true
			}
		}
	}
	return false
}

// removeWithin is how long the processes of a group may take to die.
const removeWithin = 10 * time.Second

// remove ends what is in the group and removes it with those that were made in it.
func remove(dir string) error {
	for deadline := time.Now().Add(removeWithin); ; time.Sleep(5 * time.Millisecond) {
		err := removeOnce(dir)
		if err == nil || time.Now().After(deadline) {
			return err
		}
	}
}

func removeOnce(dir string) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	for _, e := range entries {
		if e.IsDir() {
			_ = removeOnce(filepath.Join(dir, e.Name()))
		}
	}
	if write(dir, "cgroup.kill", "1") != nil { // v2, since Linux 5.14
		killEach(dir)
	}
	if err := unix.Rmdir(dir); err != nil && err != unix.ENOENT {
		return nsplugin.Errorf("remove group %s: %w", dir, err)
	}
	return nil
}

// killEach kills the processes of a group, which are the run's and nobody else's.
func killEach(dir string) {
	text, _ := os.ReadFile(filepath.Join(dir, "cgroup.procs"))
	for _, field := range strings.Fields(string(text)) {
		if pid, err := strconv.Atoi(field); err == nil && pid > 1 {
			_ = unix.Kill(pid, unix.SIGKILL)
		}
	}
}
