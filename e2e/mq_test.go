// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"fmt"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// mqMain is a program for scripts: mq create|open|remove NAME, with POSIX
// message queues; mq_overview(7). No standard tool does it.
func mqMain() {
	verb, name := os.Args[1], os.Args[2]
	fmt.Printf("%s %s: %s\n", verb, name, mqResult(verb, name))
}

func mqResult(verb, name string) string {
	path, err := unix.BytePtrFromString(name)
	if err != nil {
		return err.Error()
	}
	var errno unix.Errno
	switch verb {
	case "create":
		_, _, errno = unix.Syscall6(unix.SYS_MQ_OPEN, uintptr(unsafe.Pointer(path)), unix.O_CREAT|unix.O_RDWR, 0o600, 0, 0, 0)
	case "open":
		_, _, errno = unix.Syscall6(unix.SYS_MQ_OPEN, uintptr(unsafe.Pointer(path)), unix.O_RDWR, 0, 0, 0, 0)
	case "remove":
		_, _, errno = unix.Syscall(unix.SYS_MQ_UNLINK, uintptr(unsafe.Pointer(path)), 0, 0)
	}
	if errno != 0 {
		return errno.Error()
	}
	return "ok"
}
