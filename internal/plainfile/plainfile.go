// SPDX-License-Identifier: Apache-2.0

// Package plainfile opens files on disk in one system call. Package os offers
// every file that it opens to the poller first, which takes five calls more and,
// the first time, makes the poller; that counts in a command that is over in
// milliseconds. Reads and writes of such a file block, as those of a file on disk
// do anyway.
package plainfile

import (
	"os"

	"golang.org/x/sys/unix"
)

// Open opens the file at path as open(2) does; O_CLOEXEC is added. The error is
// an *os.PathError.
func Open(path string, flags int, mode uint32) (*os.File, error) {
	for {
		fd, err := unix.Open(path, flags|unix.O_CLOEXEC, mode)
		switch err {
		case nil:
			return os.NewFile(uintptr(fd), path), nil
		case unix.EINTR: // open(2) of a slow file system, NFS for one
		default:
			return nil, &os.PathError{Op: "open", Path: path, Err: err}
		}
	}
}

// Read returns the content of the file at path.
func Read(path string) ([]byte, error) {
	f, err := Open(path, unix.O_RDONLY, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return ReadAll(f)
}

// ReadAll returns the content of f, from its offset. Files of proc(5) have no
// size, so the end is where read(2) says it is.
func ReadAll(f *os.File) ([]byte, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	text := make([]byte, 0, max(info.Size(), 511)+1)
	for {
		n, err := unix.Read(int(f.Fd()), text[len(text):cap(text)])
		switch {
		case err == unix.EINTR:
			continue
		case err != nil:
			return nil, &os.PathError{Op: "read", Path: f.Name(), Err: err}
		case n == 0:
			return text, nil
		}
		text = text[:len(text)+n]
		if len(text) == cap(text) {
			text = append(text, 0)[:len(text)]
		}
	}
}
