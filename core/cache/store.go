// SPDX-License-Identifier: Apache-2.0

// Package cache keeps what plugins answered in earlier runs. An entry is found
// by the whole text of its key and holds for as long as the files that it names
// are unchanged, much as an HTTP cache keeps a response by request and ETag.
//
// A wrong entry can cost time but not isolation: what comes out is checked by
// the same rules as a plugin's own answer, and kinds are cloned by the core.
package cache

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"os"
	"path/filepath"
	"slices"
	"syscall"
)

// Store is the cache of one user: a directory with a file for each entry. The
// nil store finds nothing and keeps nothing.
type Store struct{ dir string }

// Open returns the store in dir, which need not exist yet.
func Open(dir string) *Store { return &Store{dir: dir} }

// Get decodes the value kept under key into value, and reports whether there
// was one that still holds.
func (s *Store) Get(key, value any) bool {
	if s == nil {
		return false
	}
	name, want, err := s.locate(key)
	if err != nil {
		return false
	}
	entry, err := readOwn(name)
	if err != nil {
		return false
	}
	parts := bytes.SplitN(entry, newline, 3)
	if len(parts) != 3 || !bytes.Equal(parts[0], want) || !unchanged(parts[1]) {
		return false
	}
	return json.Unmarshal(parts[2], value) == nil
}

var newline = []byte("\n")

// Put keeps value under key until one of files changes. A cache that can't be
// written is no error: the next run asks again.
func (s *Store) Put(key, value any, files []string) error {
	if s == nil {
		return nil
	}
	name, text, err := s.locate(key)
	if err != nil {
		return err
	}
	states, err := json.Marshal(statesOf(files))
	if err != nil {
		return err
	}
	body, err := json.Marshal(value)
	if err != nil {
		return err
	}
	s.makeRoom()
	return writeWhole(name, bytes.Join([][]byte{text, states, body}, newline))
}

// Clear removes every entry.
func (s *Store) Clear() error { return os.RemoveAll(s.dir) }

// locate returns the file for key and the key's text.
func (s *Store) locate(key any) (name string, text []byte, err error) {
	text, err = json.Marshal(key)
	if err != nil {
		return "", nil, fmt.Errorf("encode a cache key: %w", err)
	}
	sum := fnv.New128a()
	sum.Write(text)
	return filepath.Join(s.dir, hex.EncodeToString(sum.Sum(nil))), text, nil
}

// readOwn reads a file of the caller's own that nobody else could have written.
func readOwn(name string) ([]byte, error) {
	f, err := os.OpenFile(name, os.O_RDONLY|syscall.O_NOFOLLOW, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	st := info.Sys().(*syscall.Stat_t)
	if int(st.Uid) != os.Geteuid() || info.Mode().Perm()&0o022 != 0 {
		return nil, fmt.Errorf("%s can be written by others", name)
	}
	text := make([]byte, info.Size())
	n, err := f.Read(text)
	return text[:n], err
}

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
