// SPDX-License-Identifier: Apache-2.0

package oracle

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// files returns the files below the scope's directories, by path and type.
func files(s Scope) ([]Thing, error) {
	var list []Thing
	for _, dir := range s.Dirs {
		err := walk(dir, func(path string, d fs.DirEntry) error {
			if s.Shared != nil && s.Shared(path) {
				return skip(d)
			}
			if path != dir {
				list = append(list, Thing{File, fmt.Sprintf("%s %s", path, d.Type())})
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return list, nil
}

// walk calls f for dir and all below it. What goes meanwhile, and what can't be
// walked into, is left out: so is a directory that isn't there.
func walk(dir string, f func(string, fs.DirEntry) error) error {
	return filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		switch {
		case errors.Is(err, fs.ErrNotExist), errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EINVAL):
			return nil
		case err != nil:
			return err
		}
		return f(path, d)
	})
}

func skip(d fs.DirEntry) error {
	if d.IsDir() {
		return fs.SkipDir
	}
	return nil
}

// cgroups returns the control groups of the scope, of all hierarchies.
func cgroups(s Scope) ([]Thing, error) {
	if s.Cgroups == "" {
		return nil, nil
	}
	var list []Thing
	err := walk("/sys/fs/cgroup", func(path string, d fs.DirEntry) error {
		if d.IsDir() && strings.Contains(path, s.Cgroups) {
			list = append(list, Thing{Cgroup, path})
		}
		return nil
	})
	return list, err
}

// ipcObjects returns the System V objects of the IPC namespace; sysvipc(7).
func ipcObjects(Scope) ([]Thing, error) {
	var list []Thing
	for _, kind := range []string{"shm", "sem", "msg"} {
		text, err := os.ReadFile("/proc/sysvipc/" + kind)
		if errors.Is(err, fs.ErrNotExist) {
			continue // a kernel without them
		}
		if err != nil {
			return nil, err
		}
		for _, line := range lines(string(text))[1:] {
			list = append(list, Thing{IPC, kind + " " + strings.Join(strings.Fields(line)[:2], " ")})
		}
	}
	return list, nil
}

// queues returns the POSIX message queues of the IPC namespace by a mount of its
// own, which is gone when it returns; mq_overview(7).
func queues(Scope) ([]Thing, error) {
	dir, err := os.MkdirTemp("", "oracle-mqueue-")
	if err != nil {
		return nil, err
	}
	defer os.Remove(dir)
	if err := syscall.Mount("mqueue", dir, "mqueue", 0, ""); err != nil {
		return nil, fmt.Errorf("mount mqueue on %s: %w", dir, err)
	}
	defer syscall.Unmount(dir, syscall.MNT_DETACH)
	entries, err := os.ReadDir(dir)
	var list []Thing
	for _, e := range entries {
		list = append(list, Thing{Queue, e.Name()})
	}
	return list, err
}
