// SPDX-License-Identifier: Apache-2.0

//go:build (amd64 || arm64) && !race

package machine

import (
	"runtime"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The child gets a stack of its own in the arena. So it needs nothing of Go's
// heap, which is then held back from it: a fork that copies less is faster. And
// the child of an init can share the init's memory until it executes the
// command, as after vfork(2), without spoiling the init's stack.
const (
	// stackFlags come with a stack. The thread pointer must be set as well: the
	// way from assembly into Go reads what it points to, which is in the heap.
	stackFlags = unix.CLONE_SETTLS
	// shareFlags are for the child of an init.
	shareFlags = unix.CLONE_VM | unix.CLONE_VFORK
)

// Only assembly calls resume, which staticcheck doesn't read.
var _ = resume

// cloneOnto makes a system call of the clone family with a new stack. In the
// new process it calls resume with c. In the old one it returns what the kernel
// does: a process id, or a negative errno.
func cloneOnto(c *control, nr, a, b, d, e, f uintptr) int

//go:nosplit
//go:norace
func spawnWithClone3(c *control) (uintptr, syscall.Errno) {
	return outcome(cloneOnto(c, unix.SYS_CLONE3, uintptr(unsafe.Pointer(&c.clone)), unsafe.Sizeof(c.clone), 0, 0, 0))
}

// spawnWithClone calls clone(2), whose last two arguments change places with
// the architecture.
//
//go:nosplit
//go:norace
func spawnWithClone(c *control) (uintptr, syscall.Errno) {
	flags := uintptr(c.clone.flags)&^uintptr(clearHandlers) | uintptr(c.clone.exitSignal)
	top := uintptr(c.clone.stack + c.clone.stackSize)
	tls, tid := uintptr(c.clone.tls), uintptr(0)
	if runtime.GOARCH == "amd64" {
		tls, tid = tid, tls
	}
	return outcome(cloneOnto(c, unix.SYS_CLONE, flags, top, uintptr(c.clone.pidfd), tls, tid))
}

//go:nosplit
//go:norace
func outcome(r int) (uintptr, syscall.Errno) {
	if r < 0 {
		return 0, syscall.Errno(-r)
	}
	return uintptr(r), 0
}
