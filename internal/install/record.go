// SPDX-License-Identifier: Apache-2.0

package install

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/nsrun/nsrun/core/find"
	"github.com/nsrun/nsrun/core/lock"
	"github.com/nsrun/nsrun/ns"
)

// RecordPath returns where the plugins of a directory are recorded: in a lock file
// beside them, which nsrun --locked=FILE takes as well.
func RecordPath(dir string) string { return filepath.Join(dir, lock.FileName) }

// maxRecord is the largest record in bytes, some thousands of plugins.
const maxRecord = 1 << 20

// readRecord reads the record of a directory; there is an empty one if there is no
// file. Who could write it could call a changed plugin unchanged, so it must be
// the caller's or root's, as a plugin.
func readRecord(dir string) (*lock.File, error) {
	path := RecordPath(dir)
	file, _, err := find.OpenFile(path, false)
	if _, there := find.StateOf(path); err != nil && !there {
		return &lock.File{Path: path, Plugins: map[string]lock.Entry{}}, nil
	}
	if err != nil {
		return nil, err
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxRecord+1))
	if err == nil && len(text) > maxRecord {
		err = fmt.Errorf("it is larger than %d bytes", maxRecord)
	}
	if err != nil {
		return nil, &ns.Diagnostic{Summary: fmt.Sprintf("read %s: %v", path, err), Hint: "remove it, and install the plugins again"}
	}
	return lock.Parse(path, string(text))
}

// update writes the plugins, which are in their places, into the record, and takes
// out those that are gone.
func update(record *lock.File, dir string, plugins []Plugin) error {
	for name := range record.Plugins {
		if _, err := os.Lstat(filepath.Join(dir, ns.BinaryPrefix+name)); errors.Is(err, fs.ErrNotExist) {
			delete(record.Plugins, name)
		}
	}
	for _, p := range plugins {
		// Renaming changed the ctime, so this is the first moment for it.
		state, err := lock.StateOf(p.Path)
		if err != nil {
			return fmt.Errorf("record plugin: %w", err)
		}
		record.Plugins[p.Descriptor.Name] = lock.Entry{Version: p.Descriptor.Version, SHA256: p.SHA256, State: state}
	}
	return record.Write(RecordPath(dir))
}

// hold keeps others from installing into the directory until release is called, so
// that no record is lost.
func hold(dir string) (release func() error, err error) {
	f, err := os.Open(dir)
	if err != nil {
		return nil, fmt.Errorf("install plugins: %w", err)
	}
	for {
		err := unix.Flock(int(f.Fd()), unix.LOCK_EX)
		if err == nil {
			return f.Close, nil
		}
		if err != unix.EINTR {
			return nil, errors.Join(fmt.Errorf("install plugins: lock %s: %w", dir, err), f.Close())
		}
	}
}

// Trust says whether a plugin is the one that was installed.
type Trust string

// What is to be said of a plugin.
const (
	// Installed is as it was recorded: its state is, or at least its content.
	Installed Trust = "installed"
	// Changed has another content than was recorded.
	Changed Trust = "changed"
	// Unrecorded was put there by other means than nsctl plugin install.
	Unrecorded Trust = "unrecorded"
	// Untrusted could have been written by others, and is never executed.
	Untrusted Trust = "untrusted"
	// Unknown is what can't be compared, since the record or the file can't be read.
	Unknown Trust = "unknown"
)

// Judge compares the plugin with the record beside it; digest returns the SHA-256 of
// its file, and is called only if the file isn't in the state that was recorded: a
// file that was copied with its directory, or restored, has another state, and is
// still what was installed. The reason is empty if there is nothing to explain.
func Judge(ctx context.Context, c find.Candidate, digest func(context.Context) (string, error)) (t Trust, reason string) {
	if !c.Trusted {
		return Untrusted, c.Reason
	}
	record, err := readRecord(filepath.Dir(c.Path))
	if err != nil {
		return Unknown, err.Error()
	}
	entry, ok := record.Plugins[c.Name]
	if !ok {
		return Unrecorded, ""
	}
	state, err := lock.StateOf(c.Path)
	if err == nil && entry.State != nil && *entry.State == *state {
		return Installed, ""
	}
	sum, err := digest(ctx)
	switch {
	case err != nil:
		return Unknown, err.Error()
	case sum != entry.SHA256:
		return Changed, fmt.Sprintf("recorded: %s %s, found: %s", entry.Version, entry.SHA256, sum)
	}
	return Installed, ""
}
