// SPDX-License-Identifier: Apache-2.0

//go:build amd64 || arm64

package inherit

import "unsafe"

// call makes a system call and returns what the kernel returns: a negative errno
// if it fails.
//
//go:noescape
func call(nr uintptr, a, b uintptr, c, d unsafe.Pointer) int64

// openFilesLimit is RLIMIT_NOFILE.
const openFilesLimit = 7

func read() (limit rlimit) {
	if call(sysPrlimit64, 0, openFilesLimit, nil, unsafe.Pointer(&limit)) != 0 {
		return rlimit{}
	}
	return limit
}
