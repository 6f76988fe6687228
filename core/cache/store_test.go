// SPDX-License-Identifier: Apache-2.0

package cache

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestGetFindsWhatPutKept(t *testing.T) {
	s := Open(filepath.Join(t.TempDir(), "cache"))
	var got []string
	if s.Get("key", &got) {
		t.Fatal("found something in an empty cache")
	}
	if err := s.Put("key", []string{"a", "b\n"}, Files{}); err != nil {
		t.Fatal(err)
	}
	if !s.Get("key", &got) || len(got) != 2 || got[1] != "b\n" {
		t.Errorf("got %q", got)
	}
	if dir, n, size := s.Usage(); dir != s.dir || n != 1 || size == 0 {
		t.Errorf("%d entries of %d bytes in %s", n, size, dir)
	}
	if s.Get("other", &got) {
		t.Error("found a value under another key")
	}
}

func TestGetForgetsWhatDependsOnAChangedFile(t *testing.T) {
	dir := t.TempDir()
	present, absent := filepath.Join(dir, "present"), filepath.Join(dir, "absent")
	os.WriteFile(present, []byte("1"), 0o600)
	tests := map[string]func(){
		"a file is written":   func() { os.WriteFile(present, []byte("22"), 0o600) },
		"a file appears":      func() { os.WriteFile(absent, nil, 0o600) },
		"a file disappears":   func() { os.Remove(present) },
		"a file's mode moves": func() { os.Chmod(present, 0o400) },
	}
	for name, change := range tests {
		t.Run(name, func(t *testing.T) {
			os.Remove(absent)
			os.WriteFile(present, []byte("1"), 0o600)
			s := Open(filepath.Join(t.TempDir(), "cache"))
			if err := s.Put("key", 1, Files{Paths: []string{present, absent, "/proc/self/uid_map"}, Asked: time.Now().Add(time.Second)}); err != nil {
				t.Fatal(err)
			}
			var v int
			if !s.Get("key", &v) {
				t.Fatal("not found before the change")
			}
			change()
			if s.Get("key", &v) {
				t.Error("still found after the change")
			}
		})
	}
}

// SPEC.md, [N-3] and [W-4]: the answer may be one to what was in the file before.
func TestPutKeepsNothingThatDependsOnAFileChangedSinceTheQuestion(t *testing.T) {
	path := filepath.Join(t.TempDir(), "policy.toml")
	s := Open(filepath.Join(t.TempDir(), "cache"))
	expect := func(when string, want bool, asked time.Time) {
		t.Helper()
		if err := s.Put(when, 1, Files{[]string{path, "/proc/self/uid_map"}, asked}); err != nil {
			t.Fatal(err)
		}
		var v int
		if got := s.Get(when, &v); got != want {
			t.Errorf("%s: kept is %t", when, got)
		}
	}
	asked := time.Now()
	expect("there is none", true, asked)
	os.WriteFile(path, []byte("1"), 0o600)
	expect("it has appeared since", false, asked)
	expect("changed within a tick", false, time.Now())
	time.Sleep(2 * clockTick)
	asked = time.Now()
	expect("changed long before", true, asked)
	os.WriteFile(path, []byte("2"), 0o600)
	expect("changed since", false, asked)
}

func TestGetRefusesAnEntryThatOthersCouldWrite(t *testing.T) {
	s := Open(filepath.Join(t.TempDir(), "cache"))
	if err := s.Put("key", 1, Files{}); err != nil {
		t.Fatal(err)
	}
	name := s.locate(s.keyText("key"))
	os.Chmod(name, 0o622)
	var v int
	if s.Get("key", &v) {
		t.Error("took an entry that others can write")
	}
}

func TestPutKeepsTheCacheBounded(t *testing.T) {
	s := Open(filepath.Join(t.TempDir(), "cache"))
	for i := range maxEntries + 40 {
		if err := s.Put(fmt.Sprint(i), i, Files{}); err != nil {
			t.Fatal(err)
		}
	}
	left, _ := os.ReadDir(s.dir)
	if len(left) > maxEntries {
		t.Errorf("%d entries, want %d or fewer", len(left), maxEntries)
	}
	var v int
	if !s.Get(fmt.Sprint(maxEntries+39), &v) {
		t.Error("the newest entry is gone")
	}
}
