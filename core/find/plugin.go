// SPDX-License-Identifier: Apache-2.0

// Package find finds plugin binaries and decides whether they can be trusted:
// design.md's discovery rules, as docs/plugins.md tells them to users.
package find

// Plugin is a plugin binary that was found and may be run.
type Plugin struct {
	// Name is how the plugin was chosen: the NAME of nsrun-plugin-NAME.
	Name string `json:"name"`
	// Path is the absolute path of the file.
	Path string `json:"path"`
	// Identity says which file stood at Path when it was found.
	Identity Identity `json:"identity"`
}

// Identity tells one state of a file from every other, as an HTTP ETag does.
// A change of content, owner or mode changes the ctime, and a replaced file has
// another inode; see inode(7).
type Identity struct {
	Dev   uint64 `json:"dev"`
	Ino   uint64 `json:"ino"`
	Size  int64  `json:"size"`
	MTime int64  `json:"mtime"` // nanoseconds since the epoch
	CTime int64  `json:"ctime"` // nanoseconds since the epoch
}
