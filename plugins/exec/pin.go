// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/nsrun/nsrun/nsplugin"
)

// pin opens the program at path, and makes sure that nobody but root and the
// caller can have written it, as nsrun does for the plugin's file. The
// descriptor is what is executed, so it is the file that was checked.
func pin(path string) (*os.File, error) {
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		return nil, nsplugin.Errorf("find program: %w", err).WithHint("put it there, or correct command in the plugin's file")
	}
	dir, err := unix.Open("/", unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, nsplugin.Errorf("open /: %w", err)
	}
	defer func() { unix.Close(dir) }()
	names := strings.Split(strings.TrimPrefix(real, "/"), "/")
	at := ""
	for i, name := range names {
		at += "/" + name
		last := i == len(names)-1
		// A link here would be one that was put there since.
		flags := unix.O_NOFOLLOW | unix.O_CLOEXEC | unix.O_PATH | unix.O_DIRECTORY
		if last {
			flags = unix.O_NOFOLLOW | unix.O_CLOEXEC | unix.O_RDONLY | unix.O_NONBLOCK
		}
		fd, err := unix.Openat(dir, name, flags, 0)
		if err != nil {
			return nil, nsplugin.Errorf("open %s: %w", at, err)
		}
		if err := trusted(fd, at, last); err != nil {
			unix.Close(fd)
			return nil, err
		}
		if last {
			return os.NewFile(uintptr(fd), real), nil
		}
		unix.Close(dir)
		dir = fd
	}
	return nil, nsplugin.Errorf("find program %s: it is a directory", path)
}

// trusted checks the owner and the mode of a file, or of a directory above it. A
// directory such as /tmp, in which others can't rename what isn't theirs, may
// lead to one of the caller's own.
func trusted(fd int, path string, isProgram bool) error {
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return nsplugin.Errorf("stat %s: %w", path, err)
	}
	writable := st.Mode&0o022 != 0 && (isProgram || st.Mode&unix.S_ISVTX == 0)
	switch {
	case st.Uid != 0 && int(st.Uid) != os.Geteuid():
		return nsplugin.Errorf("refuse %s: it belongs to uid %d", path, st.Uid).WithHint(fmt.Sprintf("chown %d %s", os.Geteuid(), path))
	case writable:
		return nsplugin.Errorf("refuse %s: it can be written by others (mode %04o)", path, st.Mode&0o7777).WithHint("chmod go-w " + path)
	case isProgram && st.Mode&unix.S_IFMT != unix.S_IFREG:
		return nsplugin.Errorf("refuse %s: it is no regular file", path)
	case isProgram && st.Mode&(unix.S_ISUID|unix.S_ISGID) != 0:
		return nsplugin.Errorf("refuse %s: it is set-user-ID or set-group-ID", path).WithHint("chmod ug-s " + path)
	case isProgram && st.Mode&0o111 == 0:
		return nsplugin.Errorf("execute %s: %w", path, syscall.EACCES).WithHint("chmod +x " + path)
	}
	return nil
}
