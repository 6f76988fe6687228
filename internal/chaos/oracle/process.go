// SPDX-License-Identifier: Apache-2.0

package oracle

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/nsrun/nsrun/internal/procfs"
)

// processes returns every process of the PID namespace by id and name, a zombie
// as such; proc(5).
func processes(Scope) ([]Thing, error) {
	entries, err := os.ReadDir("/proc")
	var list []Thing
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		if text, ok := describe(pid); ok {
			list = append(list, Thing{Process, text})
		}
	}
	return list, err
}

// describe returns what identifies the process pid; false if it is gone.
func describe(pid int) (string, bool) {
	stat := procfs.Read(pid, "stat")
	open, end := strings.IndexByte(stat, '('), strings.LastIndexByte(stat, ')')
	if open < 0 || end < open {
		return "", false
	}
	text := fmt.Sprintf("%d %s", pid, stat[open:end+1])
	if strings.HasPrefix(stat[end+1:], " Z") {
		return text + " zombie", true
	}
	args := strings.ReplaceAll(strings.TrimRight(procfs.Read(pid, "cmdline"), "\x00"), "\x00", " ")
	return text + " " + args, true
}

// descriptors returns the open files of the caller and of the processes of the
// scope. What a number stands for may change; how many there are of each kind
// may not.
func descriptors(s Scope) ([]Thing, error) {
	var list []Thing
	for _, pid := range append([]int{os.Getpid()}, s.Processes...) {
		dir := fmt.Sprintf("/proc/%d/fd", pid)
		entries, err := os.ReadDir(dir)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		for _, e := range entries {
			target, err := os.Readlink(filepath.Join(dir, e.Name()))
			if err == nil && target != dir { // not the one that reads the directory
				list = append(list, Thing{FD, fmt.Sprintf("%d of %d: %s", mustInt(e.Name()), pid, target)})
			}
		}
	}
	return list, nil
}

// mustInt returns the number that a name in proc(5) is.
func mustInt(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil {
		return -1
	}
	return n
}
