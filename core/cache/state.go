// SPDX-License-Identifier: Apache-2.0

package cache

import (
	"encoding/json"
	"hash/fnv"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"
)

// fileState tells one state of a file from every other.
type fileState struct {
	Path  string `json:"path"`
	Ino   uint64 `json:"ino,omitempty"` // 0: there was no such file
	Dev   uint64 `json:"dev,omitempty"`
	Size  int64  `json:"size,omitempty"`
	MTime int64  `json:"mtime,omitempty"`
	CTime int64  `json:"ctime,omitempty"`
	Sum   uint64 `json:"sum,omitempty"` // of the content, where the times tell nothing
}

func statesOf(paths []string) []fileState {
	states := []fileState{}
	for _, p := range slices.Compact(slices.Sorted(slices.Values(paths))) {
		states = append(states, stateOf(p))
	}
	return states
}

func stateOf(path string) fileState {
	s := fileState{Path: path}
	var st syscall.Stat_t
	if syscall.Stat(path, &st) != nil {
		return s
	}
	if virtual(path) {
		s.Sum = contentSum(path)
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
	text, _ := os.ReadFile(path)
	sum := fnv.New64a()
	sum.Write(text)
	return sum.Sum64()
}

// unchanged reports whether the files whose states are in text are as they were.
func unchanged(text []byte) bool {
	var states []fileState
	if json.Unmarshal(text, &states) != nil {
		return false
	}
	for _, s := range states {
		if stateOf(s.Path) != s {
			return false
		}
	}
	return true
}

func age(e os.DirEntry) time.Duration {
	info, err := e.Info()
	if err != nil {
		return 0
	}
	return time.Since(info.ModTime())
}
