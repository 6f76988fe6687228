// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// tunDevice is what an interface is made with whose other end is a descriptor.
const tunDevice = "/dev/net/tun"

// offloads are what the kernel may leave undone in the frames of a tap: checksums, and
// cutting to the interface's MTU. Each frame has a header that says what is to be done,
// so that 64 KiB pass at once. In the kernel's linux/if_tun.h.
const offloads = 0x01 | 0x02 | 0x04 // TUN_F_CSUM, TUN_F_TSO4, TUN_F_TSO6

// openTap makes an interface of the calling thread's network namespace and returns the
// other end of its cable: the interface is there as long as that is open.
func openTap(name string) (*os.File, error) {
	fd, err := unix.Open(tunDevice, unix.O_RDWR|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", tunDevice, err)
	}
	if err := setTap(fd, name); err != nil {
		unix.Close(fd)
		return nil, fmt.Errorf("add interface %s of type tap: %w", name, err)
	}
	// Only now: what isn't an interface yet can't be waited for.
	return os.NewFile(uintptr(fd), name), nil
}

func setTap(fd int, name string) error {
	request, err := unix.NewIfreq(name)
	if err != nil {
		return err
	}
	request.SetUint16(unix.IFF_TAP | unix.IFF_NO_PI | unix.IFF_VNET_HDR)
	if err := unix.IoctlIfreq(fd, unix.TUNSETIFF, request); err != nil {
		return err
	}
	return unix.IoctlSetInt(fd, unix.TUNSETOFFLOAD, offloads)
}

// maxFrame is the longest frame, with the header of its offloads.
const maxFrame = 10 + 18 + 64<<10

// carry carries frames from one tap to another until one of them is closed.
func carry(to, from *os.File) {
	frame := make([]byte, maxFrame)
	for {
		n, err := from.Read(frame)
		switch {
		case errors.Is(err, os.ErrClosed), errors.Is(err, io.EOF), errors.Is(err, unix.EBADFD):
			return // EBADFD: the namespace of the interface is gone
		case err != nil:
			continue // the interface is down: wait for its next frame
		}
		if _, err := to.Write(frame[:n]); errors.Is(err, os.ErrClosed) {
			return
		}
	}
}
