// SPDX-License-Identifier: Apache-2.0

//go:build (!amd64 && !arm64) || race

package machine

import (
	"runtime"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Without assembly for an architecture, each child is a plain fork, which goes
// on with a copy of its parent's stack. So it is under the race detector, which
// has code of its own on the way from assembly into Go.
const stackFlags, shareFlags = 0, 0

//go:nosplit
//go:norace
func spawnWithClone3(c *control) (uintptr, syscall.Errno) {
	c.clone.stack, c.clone.stackSize = 0, 0
	r, _, errno := syscall.RawSyscall(unix.SYS_CLONE3, uintptr(unsafe.Pointer(&c.clone)), unsafe.Sizeof(c.clone), 0)
	if errno == 0 && r == 0 {
		resume(c)
	}
	return r, errno
}

//go:nosplit
//go:norace
func spawnWithClone(c *control) (uintptr, syscall.Errno) {
	flags, stack := uintptr(c.clone.flags)&^uintptr(clearHandlers)|uintptr(c.clone.exitSignal), uintptr(0)
	if runtime.GOARCH == "s390x" {
		flags, stack = stack, flags // the first two arguments are swapped there
	}
	r, _, errno := syscall.RawSyscall(unix.SYS_CLONE, flags, stack, uintptr(c.clone.pidfd))
	if errno == 0 && r == 0 {
		resume(c)
	}
	return r, errno
}

type hiddenMemory struct{}

func (c *control) hideMemory() hiddenMemory { return hiddenMemory{} }
func (hiddenMemory) show()                  {}
