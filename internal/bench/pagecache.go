// SPDX-License-Identifier: Apache-2.0

package main

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// peers are the programs beside nsrun's that the cases start.
var peers = []string{"bwrap", "unshare", "runc", "podman", "conmon", "crun", "pasta", "slirp4netns"}

// readAnew brings all programs into the page cache by reading them, in large folios, as
// they lie there after an installation. What a linker has written, or what was paged in
// as it ran, lies there in single pages, and the same program starts up to 5% slower.
func (p place) readAnew() error {
	bin := filepath.Dir(p.nsrun)
	var files []string
	for _, pattern := range []string{"nsrun*", "plugins/*", "cni/*", "test/front"} {
		found, err := filepath.Glob(filepath.Join(bin, pattern))
		if err != nil {
			return err
		}
		files = append(files, found...)
	}
	for _, name := range peers {
		if path, err := exec.LookPath(name); err == nil {
			files = append(files, path)
		}
	}
	for _, file := range files {
		if err := readFileAnew(file); err != nil {
			return err
		}
	}
	return nil
}

func readFileAnew(name string) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := f.Sync(); err != nil { // dirty pages aren't dropped
		return err
	}
	if err := unix.Fadvise(int(f.Fd()), 0, 0, unix.FADV_DONTNEED); err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, f)
	return err
}
