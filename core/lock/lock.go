// SPDX-License-Identifier: Apache-2.0

// Package lock reads, writes and compares lock files: which versions of plugins a
// run may use, by the SHA-256 of their files, wherever those lie.
//
// A lock file is TOML, and of that only what is here:
//
//	version = 1
//
//	[plugin.mount]
//	version = "0.1.0"
//	sha256 = "9b1c..."
//
// A lock file that lies beside the plugins themselves is the record of what was
// installed there; for each plugin it has a line more, with the state of its file.
//
// The front of the command line reads it at a start, and links no TOML.
package lock

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/nsrun/nsrun/ns"
)

// FileName is what a lock file is called when no other name is given.
const FileName = "nsrun.lock"

// Version is the version of the file's form.
const Version = 1

// Entry is what a lock file says of one plugin.
type Entry struct {
	// Version is the plugin's own, to show.
	Version string
	// SHA256 is the digest of its file, 64 hexadecimal digits.
	SHA256 string
	// State is the state of its file when it was installed. Optional.
	State *State
}

// File is a lock file that was read, or that is to be written.
type File struct {
	// Path is where it was read, for messages.
	Path string
	// Plugins are the plugins by name.
	Plugins map[string]Entry
}

// Format returns the file's text, which depends on Plugins alone: sorted by name.
func (f *File) Format() string {
	var b strings.Builder
	fmt.Fprintf(&b, "# Written by nsctl; nsrun --locked compares.\nversion = %d\n", Version)
	for _, name := range slices.Sorted(maps.Keys(f.Plugins)) {
		e := f.Plugins[name]
		fmt.Fprintf(&b, "\n[plugin.%s]\nversion = %q\nsha256 = %q\n", name, e.Version, e.SHA256)
		if e.State != nil {
			fmt.Fprintf(&b, "stat = %q\n", e.State)
		}
	}
	return b.String()
}

// Compare returns what keeps the plugin called name, whose file has the digest
// sum, from being used; nil if nothing does.
func (f *File) Compare(name, path, sum string) error {
	hint := "get the plugin back that is locked, or nsctl plugin lock if the new one is wanted"
	locked, ok := f.Plugins[name]
	switch {
	case !ok:
		return &ns.Diagnostic{Plugin: name, Option: "locked", Summary: "the plugin is not in " + f.Path, Detail: path + " has the SHA-256 " + sum, Hint: "nsctl plugin lock, or leave the plugin out"}
	case locked.SHA256 != sum:
		return &ns.Diagnostic{Plugin: name, Option: "locked", Summary: "the plugin is not the one in " + f.Path,
			Detail: fmt.Sprintf("locked: %s %s, found: %s in %s", locked.Version, locked.SHA256, sum, path), Hint: hint}
	}
	return nil
}
