// SPDX-License-Identifier: Apache-2.0

// Package inherit knows what this process got from its caller before Go changed
// it, so that the command can get the same.
//
// Package syscall raises the soft limit on open files when a program starts
// (go.dev/issue/46279), and a command that gets a million instead of 1024 may
// rely on select(2), or close all of them one by one. This package reads the
// limit first: packages are initialized in the order of their import paths, and
// this one waits for no other, since it imports none (Go specification, "Package
// initialization"). That is why it calls the kernel in assembly.
package inherit

// OpenFiles returns the soft limit on open files (RLIMIT_NOFILE of getrlimit(2))
// that this process was started with, and false where that isn't known.
func OpenFiles() (soft uint64, ok bool) { return openFiles.soft, openFiles.soft != 0 }

// rlimit is struct rlimit64.
//
//lint:ignore U1000 the kernel writes both fields
type rlimit struct{ soft, hard uint64 }

var openFiles = read()
