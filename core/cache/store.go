// SPDX-License-Identifier: Apache-2.0

// Package cache keeps what plugins answered in earlier runs. An entry is found
// by the whole text of its key and holds for as long as the files that it names
// are unchanged, much as an HTTP cache keeps a response by request and ETag.
//
// A wrong entry can cost time but not isolation: what comes out is checked by
// the same rules as a plugin's own answer, and kinds are cloned by the core.
package cache

import (
	"encoding/hex"
	"fmt"
	"hash/fnv"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"syscall"
	"time"

	"github.com/nsrun/nsrun/internal/plainfile"
)

// Store is the cache of one user: a directory with a file for each entry. The
// nil store finds nothing and keeps nothing.
type Store struct {
	dir     string
	program fileState
}

// Open returns the store in dir, which need not exist yet.
func Open(dir string) *Store { return &Store{dir: dir, program: stateOnDisk("/proc/self/exe")} }

// Get decodes the value kept under key into value, a pointer, and reports
// whether there was one that still holds.
func (s *Store) Get(key, value any) bool {
	if s == nil {
		return false
	}
	text := s.keyText(key)
	kept, err := readOwn(s.locate(text))
	if err != nil {
		return false
	}
	var e entry
	if unpack(kept, reflect.ValueOf(&e).Elem()) != nil || e.Key != string(text) || !unchanged(e.Files) {
		return false
	}
	return unpack(e.Value, reflect.ValueOf(value).Elem()) == nil
}

// entry is what a file of the cache holds.
type entry struct {
	Key   string
	Files []fileState
	Value string
}

// Files are what a value depends on.
type Files struct {
	Paths []string
	// Asked is when the question was put to whom the value is from.
	Asked time.Time
}

// Put keeps value, which is no pointer, under key until one of the files on which it
// depends changes. If one of them may have changed since the question, nothing is kept:
// the value can be an answer to what was in the file before.
func (s *Store) Put(key, value any, on Files) error {
	if s == nil {
		return nil
	}
	states := statesOf(on.Paths)
	if !settled(states, on.Asked) {
		return nil
	}
	text := s.keyText(key)
	e := entry{Key: string(text), Files: states, Value: string(pack(nil, reflect.ValueOf(value)))}
	s.makeRoom()
	return writeWhole(s.locate(text), pack(nil, reflect.ValueOf(e)))
}

// Usage returns where the entries are, how many there are, and their size in bytes.
func (s *Store) Usage() (dir string, entries int, bytes int64) {
	files, _ := os.ReadDir(s.dir)
	for _, f := range files {
		if info, err := f.Info(); err == nil {
			entries, bytes = entries+1, bytes+info.Size()
		}
	}
	return s.dir, entries, bytes
}

// Clear removes every entry.
func (s *Store) Clear() error { return os.RemoveAll(s.dir) }

// keyText returns the bytes of key, behind the state of the running program: a
// program with other types must not read what this one wrote.
func (s *Store) keyText(key any) []byte {
	return pack(pack(nil, reflect.ValueOf(s.program)), reflect.ValueOf(key))
}

// locate returns the path of the file for a key.
func (s *Store) locate(text []byte) string {
	sum := fnv.New128a()
	sum.Write(text)
	return filepath.Join(s.dir, hex.EncodeToString(sum.Sum(nil)))
}

// readOwn reads a file of the caller's own that nobody else could have written.
func readOwn(name string) (string, error) {
	f, err := plainfile.Open(name, os.O_RDONLY|syscall.O_NOFOLLOW, 0)
	if err != nil {
		return "", err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return "", err
	}
	st := info.Sys().(*syscall.Stat_t)
	if int(st.Uid) != os.Geteuid() || info.Mode().Perm()&0o022 != 0 {
		return "", fmt.Errorf("%s can be written by others", name)
	}
	if info.Size() > maxEntry {
		return "", fmt.Errorf("%s is too long for an entry", name)
	}
	text, err := plainfile.ReadAll(f)
	return string(text), err
}

// maxEntry bounds an entry, in bytes: decoding takes up to a hundred times that.
const maxEntry = 4 << 20

// writeWhole replaces the file name at once, so that no reader sees half of it.
func writeWhole(name string, text []byte) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		return err
	}
	temp, err := os.CreateTemp(filepath.Dir(name), ".new-")
	if err != nil {
		return err
	}
	_, err = temp.Write(text)
	if e := temp.Close(); err == nil {
		err = e
	}
	if err == nil {
		err = os.Rename(temp.Name(), name)
	}
	if err != nil {
		os.Remove(temp.Name())
	}
	return err
}

// maxEntries bounds the cache: command lines that differ each time would
// otherwise fill it for ever.
const maxEntries = 256

// makeRoom removes the older half of a full cache.
func (s *Store) makeRoom() {
	entries, err := os.ReadDir(s.dir)
	if err != nil || len(entries) < maxEntries {
		return
	}
	slices.SortFunc(entries, func(a, b os.DirEntry) int { return int(age(a) - age(b)) })
	for _, e := range entries[maxEntries/2:] {
		os.Remove(filepath.Join(s.dir, e.Name()))
	}
}
