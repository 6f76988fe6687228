// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"strings"
	"syscall"

	"github.com/nsrun/nsrun/nsplugin"
)

// overlay shows the directory lower at dst, writable, with what is written going
// to the directory changes, or to memory if that is empty.
func (t *tree) overlay(option string, args []string, lower, changes, dst string) {
	lower, dst = t.absolute(lower), t.absolute(dst)
	if dst == "/" {
		t.problem(option, "--"+option+" "+strings.Join(args, " ")+": an overlay can't be the root directory", "--rootfs or --ro-root, and overlays of directories in it")
		return
	}
	dirs := []string{lower}
	if changes != "" {
		changes = t.absolute(changes)
		dirs = append(dirs, changes)
	}
	for _, dir := range dirs {
		info, err := os.Stat(dir)
		if err == nil && !info.IsDir() {
			err = syscall.ENOTDIR
		}
		if err != nil {
			t.fault(option, args, err, "mkdir "+dir)
			return
		}
	}
	t.place(nsplugin.Overlay(lower, dst, changes, tmpfsAttrs...))
}
