// SPDX-License-Identifier: Apache-2.0

package stage

import (
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// setFilter installs a seccomp filter for this thread and those that it starts.
func setFilter(filter []unix.SockFilter) error {
	prog := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	_, _, errno := unix.RawSyscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, 0, uintptr(unsafe.Pointer(&prog)))
	runtime.KeepAlive(filter)
	if errno != 0 {
		return errno
	}
	return nil
}
