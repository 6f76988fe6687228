// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The runtime's own preparations for a fork: signals are blocked in this thread, and
// an attempt to grow the stack is made to crash. syscall.ForkExec uses them too.
//
//go:linkname beforeFork syscall.runtime_BeforeFork
func beforeFork()

//go:linkname afterFork syscall.runtime_AfterFork
func afterFork()

//go:linkname afterForkInChild syscall.runtime_AfterForkInChild
func afterForkInChild()

// entry is a program to be started in a sandbox's user and network namespaces. A
// process with threads can't enter a user namespace, setns(2), and one in Go has some
// from its beginning. So the namespaces are entered between fork and exec.
type entry struct {
	user, net uintptr // descriptors of the namespaces
	output    uintptr // descriptor that becomes the program's standard output
	path      *byte
	argv      []*byte // the last one nil, as in envv
	envv      []*byte

	header unix.CapUserHeader
	caps   [2]unix.CapUserData
}

// entryCaps are the capabilities that the program has in the sandbox's user namespace,
// also if the caller isn't root there.
var entryCaps = [...]uintptr{unix.CAP_NET_ADMIN, unix.CAP_SYS_ADMIN}

// enter starts this program with arguments in the namespaces, output being its
// standard output, and returns its process id.
func enter(user, net, output *os.File, arguments ...string) (pid int, err error) {
	argv, err := syscall.SlicePtrFromStrings(arguments)
	if err != nil {
		return 0, fmt.Errorf("encode arguments: %w", err)
	}
	path, err := syscall.BytePtrFromString("/proc/self/exe")
	if err != nil {
		return 0, err
	}
	e := &entry{user: user.Fd(), net: net.Fd(), output: output.Fd(), path: path, argv: argv, envv: []*byte{nil}}
	e.header.Version = unix.LINUX_CAPABILITY_VERSION_3
	for _, c := range entryCaps {
		bit := uint32(1) << (c % 32)
		data := &e.caps[c/32]
		data.Effective, data.Permitted, data.Inheritable = data.Effective|bit, data.Permitted|bit, data.Inheritable|bit
	}
	syscall.ForkLock.Lock()
	child, errno := e.fork()
	syscall.ForkLock.Unlock()
	if errno != 0 {
		return 0, fmt.Errorf("fork: %w", errno)
	}
	return int(child), nil
}

// fork makes the process. It never returns in the new one.
//
//go:noinline
//go:norace
//go:nocheckptr
func (e *entry) fork() (uintptr, syscall.Errno) {
	beforeFork()
	pid, _, errno := syscall.RawSyscall6(unix.SYS_CLONE, uintptr(unix.SIGCHLD), 0, 0, 0, 0, 0)
	if errno != 0 || pid != 0 {
		afterFork()
		return pid, errno
	}
	afterForkInChild()
	errno = e.execute()
	for {
		_, _, _ = syscall.RawSyscall(unix.SYS_EXIT, uintptr(errno), 0, 0)
	}
}

// execute enters the namespaces and executes the program; it returns if that fails. It
// may make system calls and nothing else: no other thread is there to help Go.
//
//go:nosplit
//go:norace
//go:nocheckptr
func (e *entry) execute() syscall.Errno {
	if _, _, errno := syscall.RawSyscall(unix.SYS_SETNS, e.user, unix.CLONE_NEWUSER, 0); errno != 0 {
		return errno
	}
	if _, _, errno := syscall.RawSyscall(unix.SYS_SETNS, e.net, unix.CLONE_NEWNET, 0); errno != 0 {
		return errno
	}
	// Who isn't root loses all capabilities by execve(2) that aren't ambient, and only
	// what is inheritable can be that; capabilities(7).
	if _, _, errno := syscall.RawSyscall(unix.SYS_CAPSET, uintptr(unsafe.Pointer(&e.header)), uintptr(unsafe.Pointer(&e.caps)), 0); errno != 0 {
		return errno
	}
	for i := range entryCaps {
		_, _, errno := syscall.RawSyscall6(unix.SYS_PRCTL, unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_RAISE, entryCaps[i], 0, 0, 0)
		if errno != 0 {
			return errno
		}
	}
	if _, _, errno := syscall.RawSyscall(unix.SYS_DUP3, e.output, 1, 0); errno != 0 {
		return errno
	}
	_, _, errno := syscall.RawSyscall(unix.SYS_EXECVE, uintptr(unsafe.Pointer(e.path)),
		uintptr(unsafe.Pointer(&e.argv[0])), uintptr(unsafe.Pointer(&e.envv[0])))
	return errno
}
