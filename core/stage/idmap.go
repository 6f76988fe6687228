// SPDX-License-Identifier: Apache-2.0

package stage

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"

	"github.com/nsrun/nsrun/internal/plainfile"
	"github.com/nsrun/nsrun/ns"
	"golang.org/x/sys/unix"
)

// WriteMap writes the map of the child's user namespace, of which this process
// must be the maker or have the privilege for the ids in m; user_namespaces(7).
// The child must not have its program yet: its first steps need the ids. The
// error is a *ns.Diagnostic, or a *CloneError if the child has ended without its
// namespaces.
func (c *Child) WriteMap(m *ns.IDMap) error {
	err := c.writeMap(m)
	if err == nil {
		return nil
	}
	return cmp.Or(c.AwaitNamespaces(), err)
}

func (c *Child) writeMap(m *ns.IDMap) error {
	if m.DenySetgroups {
		// First, since it can't be denied any more once the group map is there.
		if err := c.writeProc("setgroups", "deny"); err != nil {
			return err
		}
	}
	if err := c.writeProc("uid_map", ns.FormatExtents(m.UIDs)); err != nil {
		return err
	}
	return c.writeProc("gid_map", ns.FormatExtents(m.GIDs))
}

// WrittenMap returns the map of the child's user namespace as it is now. The error is a
// *ns.Diagnostic.
func (c *Child) WrittenMap() (w ns.Written, err error) {
	read := func(name string) string {
		path := fmt.Sprintf("/proc/%d/%s", c.PID(), name)
		text, e := plainfile.Read(path)
		if e != nil && err == nil {
			err = &ns.Diagnostic{Summary: fmt.Sprintf("read %s: %s", path, causeOf(e))}
		}
		return string(text)
	}
	return ns.Written{UIDMap: read("uid_map"), GIDMap: read("gid_map"), Setgroups: read("setgroups")}, err
}

// writeProc writes a file of the child in one system call: the kernel takes a map
// only once and only whole.
func (c *Child) writeProc(name, text string) error {
	path := fmt.Sprintf("/proc/%d/%s", c.PID(), name)
	f, err := plainfile.Open(path, unix.O_WRONLY, 0)
	if err == nil {
		_, err = f.WriteString(text)
		err = errors.Join(err, f.Close())
	}
	if err == nil {
		return nil
	}
	d := &ns.Diagnostic{Summary: fmt.Sprintf("write %s %q: %s", path, strings.TrimSpace(text), causeOf(err))}
	if errors.As(err, &d.Errno) {
		d.Detail = mapCauses[d.Errno]
	}
	if errors.Is(err, os.ErrNotExist) {
		d.Hint = "mount proc on /proc, as in: mount -t proc proc /proc"
	}
	return d
}

// mapCauses says what the errors mean, for a map of the caller's own ids.
var mapCauses = map[syscall.Errno]string{
	unix.EPERM:  "the kernel takes a map of the caller's own ids only from the process that made the namespace; user_namespaces(7)",
	unix.EACCES: "the file isn't the caller's, as that of a process which can't be dumped; proc(5)",
	unix.ENOENT: "there is no proc file system on /proc, or the child has ended",
}
