// SPDX-License-Identifier: Apache-2.0

package plainfile

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

func TestReadReturnsWhatOSReads(t *testing.T) {
	dir := t.TempDir()
	for name, size := range map[string]int{"empty": 0, "small": 10, "block": 512, "large": 1 << 20} {
		path := filepath.Join(dir, name)
		want := bytes.Repeat([]byte{'x'}, size)
		if err := os.WriteFile(path, want, 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := Read(path)
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s: %d bytes, %v; want %d", name, len(got), err, size)
		}
	}
}

// The size of a file in /proc is 0, and this one is longer than the first read.
func TestReadReturnsAllOfAProcFile(t *testing.T) {
	const path = "/proc/kallsyms"
	want, err := os.ReadFile(path)
	if err != nil {
		t.Skip(err)
	}
	if got, err := Read(path); err != nil || !bytes.Equal(got, want) {
		t.Errorf("%d bytes, %v; want %d", len(got), err, len(want))
	}
}

func TestOpenTellsThatThereIsNoFile(t *testing.T) {
	_, err := Read(filepath.Join(t.TempDir(), "absent"))
	var path *fs.PathError
	if !errors.Is(err, fs.ErrNotExist) || !errors.As(err, &path) {
		t.Errorf("got %v", err)
	}
}
