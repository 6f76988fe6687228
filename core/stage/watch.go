// SPDX-License-Identifier: Apache-2.0

package stage

import (
	"slices"

	"golang.org/x/sys/unix"
)

// watched is a process that the command depends on.
type watched struct {
	fd    int    // of pidfd_open(2)
	ended func() // called once
}

// Watch has ended called, on the goroutine of Wait, if a process ends before the
// command does. fd is a descriptor of it, which belongs to the child from here on;
// pidfd_open(2).
func (c *Child) Watch(fd int, ended func()) { c.watched = append(c.watched, watched{fd, ended}) }

// tellEnded calls ended for those whose descriptors, fds in the same order, say that
// they have ended, and forgets them.
func (c *Child) tellEnded(fds []unix.PollFd) {
	i := -1
	c.watched = slices.DeleteFunc(c.watched, func(w watched) bool {
		if i++; fds[i].Revents == 0 {
			return false
		}
		_ = unix.Close(w.fd)
		w.ended()
		return true
	})
}
