// SPDX-License-Identifier: Apache-2.0

// Package inherit knows what this process got from its caller before Go changed
// it, so that the command, and whatever else it starts, can get the same.
//
// Package syscall raises the soft limit on open files when a program starts
// (go.dev/issue/46279), and a command that gets a million instead of 1024 may
// rely on select(2), or close all of them one by one. This package reads the
// limit first: packages are initialized in the order of their import paths, and
// this one waits for the runtime alone (Go specification, "Package
// initialization"). That is why it calls the kernel in assembly.
//
// A program that begins at the package's own entry spares Go's runtime work that
// takes a tenth of a run of nsrun. See entry_amd64.go.
package inherit

// OpenFiles returns the soft limit on open files (RLIMIT_NOFILE of getrlimit(2))
// that this process was started with, and false where that isn't known.
func OpenFiles() (soft uint64, ok bool) { return openFiles.soft, openFiles.soft != 0 }

// rlimit is struct rlimit64.
type rlimit struct{ soft, hard uint64 }

var openFiles rlimit

func init() {
	giveBack()
	openFiles = read()
}
