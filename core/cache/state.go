// SPDX-License-Identifier: Apache-2.0

package cache

import (
	"hash/fnv"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/nsrun/nsrun/internal/plainfile"
)

// fileState tells one state of a file from every other.
type fileState struct {
	Path  string
	Ino   uint64 // 0: there was no such file
	Dev   uint64
	Size  int64
	MTime int64
	CTime int64
	Sum   uint64 // of the content, where the times tell nothing
}

func statesOf(paths []string) []fileState {
	states := []fileState{}
	for _, p := range slices.Compact(slices.Sorted(slices.Values(paths))) {
		states = append(states, stateOf(p))
	}
	return states
}

func stateOf(path string) fileState {
	if virtual(path) {
		return fileState{Path: path, Sum: contentSum(path)}
	}
	return stateOnDisk(path)
}

func stateOnDisk(path string) fileState {
	s := fileState{Path: path}
	var st syscall.Stat_t
	if syscall.Stat(path, &st) != nil {
		return s
	}
	s.Ino, s.Dev, s.Size = st.Ino, st.Dev, st.Size
	s.MTime, s.CTime = st.Mtim.Nano(), st.Ctim.Nano()
	return s
}

// virtual reports whether path lies in proc(5) or sysfs(5), whose files change
// without a change of their times.
func virtual(path string) bool {
	return strings.HasPrefix(path, "/proc/") || strings.HasPrefix(path, "/sys/")
}

func contentSum(path string) uint64 {
	text, _ := plainfile.Read(path)
	sum := fnv.New64a()
	sum.Write(text)
	return sum.Sum64()
}

// unchanged reports whether the files are as they were.
func unchanged(states []fileState) bool {
	for _, s := range states {
		if stateOf(s.Path) != s {
			return false
		}
	}
	return true
}

// clockTick is more than the times of files are behind the clock; see inode(7) and
// CLOCK_REALTIME_COARSE of clock_gettime(2).
const clockTick = 20 * time.Millisecond

// settled reports whether the files were last changed before t. Of virtual files
// nobody can tell.
func settled(states []fileState, t time.Time) bool {
	before := t.Add(-clockTick).UnixNano()
	return !slices.ContainsFunc(states, func(s fileState) bool { return s.CTime > before })
}

func age(e os.DirEntry) time.Duration {
	info, err := e.Info()
	if err != nil {
		return 0
	}
	return time.Since(info.ModTime())
}
