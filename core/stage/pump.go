// SPDX-License-Identifier: Apache-2.0

package stage

import (
	"bytes"

	"golang.org/x/sys/unix"
)

// pollFds returns what a console waits for: keys, as long as those that were
// typed before are taken, and output. poll(2) passes over negative descriptors.
func (c *Console) pollFds() [2]unix.PollFd {
	keys, terminal := unix.PollFd{Fd: -1}, unix.PollFd{Fd: int32(c.master), Events: unix.POLLIN}
	if c.in && len(c.keys) == 0 {
		keys = unix.PollFd{Fd: 0, Events: unix.POLLIN}
	}
	if len(c.keys) > 0 {
		terminal.Events |= unix.POLLOUT
	}
	return [2]unix.PollFd{keys, terminal}
}

// pump moves what poll(2) says is there.
func (c *Console) pump(keys, terminal unix.PollFd) {
	if keys.Revents != 0 {
		c.takeKeys()
	}
	if len(c.keys) > 0 {
		c.passKeys()
	}
	if terminal.Revents&^unix.POLLOUT != 0 {
		c.show()
	}
}

// takeKeys reads what was typed. A terminal that has hung up has no more keys.
func (c *Console) takeKeys() {
	n, err := unix.Read(0, c.buf[:])
	if n <= 0 {
		c.in = c.in && err != nil && !terminated(err)
		return
	}
	c.keys = append(c.keys, c.buf[:n]...)
	if key, ok := c.suspendKey(); ok && bytes.IndexByte(c.keys, key) >= 0 {
		c.suspicion.begin()
	}
}

// suspendKey returns the key that suspends the command, if it has one; termios(3).
func (c *Console) suspendKey() (key byte, ok bool) {
	modes, err := unix.IoctlGetTermios(c.slave, unix.TCGETS)
	if err != nil || modes.Lflag&unix.ISIG == 0 {
		return 0, false
	}
	key = modes.Cc[unix.VSUSP]
	return key, key != 0 // _POSIX_VDISABLE
}

func (c *Console) passKeys() {
	n, err := unix.Write(c.master, c.keys)
	if n > 0 {
		c.keys = c.keys[n:]
	}
	if terminated(err) {
		c.keys = nil
	}
}

// show shows what the command wrote, and reports whether there was any.
func (c *Console) show() bool {
	n, _ := unix.Read(c.master, c.buf[:])
	for text := c.buf[:max(n, 0)]; len(text) > 0; {
		written, err := unix.Write(c.screen, text)
		if terminated(err) {
			break // hung up: nobody is looking
		}
		text = text[max(written, 0):]
	}
	return n > 0
}

// drain shows what is left. The descriptor of the command's side that this process has
// keeps the read from an end before all is there.
func (c *Console) drain() {
	for c.slave >= 0 && c.show() {
	}
}
