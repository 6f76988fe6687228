// SPDX-License-Identifier: Apache-2.0

package find

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"github.com/nsrun/nsrun/ns"
)

// OpenFile opens the file at the absolute path for reading, and says which file it
// is. Like a plugin, it must be a regular file that nobody can have written, or put
// there, but those whom the caller trusts: root, and unless rootOnly the caller.
// Errors are *ns.Diagnostic.
func OpenFile(path string, rootOnly bool) (*os.File, Identity, error) {
	t := trustOf(os.Geteuid())
	defer t.been.close()
	if rootOnly {
		t.uid = 0
	}
	f, id, err := t.openFile(path)
	if err == nil {
		return f, id, nil
	}
	d := &ns.Diagnostic{Summary: fmt.Sprintf("read %s: %v", path, err), Hint: "look at it with ls -l " + path}
	if r, ok := errors.AsType[*refusal](err); ok {
		d.Summary, d.Detail, d.Hint = "read "+path+": "+r.reason, "who can write the file decides what runs", r.hint
	}
	return nil, id, d
}

func (t trust) openFile(path string) (*os.File, Identity, error) {
	fd, st, resolved, err := t.been.walk(path, t.dir)
	if err != nil {
		return nil, Identity{}, err
	}
	defer unix.Close(fd)
	if err := errors.Join(regular(st, resolved), t.owned(st, "it", resolved)); err != nil {
		return nil, Identity{}, err
	}
	f, err := os.Open(procFD(fd)) // an O_PATH descriptor can't be read
	return f, identity(st), err
}

// StateOf returns which file is at path, and whether there is one. A file that can't
// be looked at is there.
func StateOf(path string) (Identity, bool) {
	var st unix.Stat_t
	switch err := unix.Stat(path, &st); err {
	case nil:
		return identity(&st), true
	case unix.ENOENT, unix.ENOTDIR:
		return Identity{}, false
	}
	return Identity{}, true
}
