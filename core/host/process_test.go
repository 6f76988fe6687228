// SPDX-License-Identifier: Apache-2.0

package host

import (
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

// syscall.ForkExec moves its own pipe to the number after the highest of the
// child's files. The binary must not be there, or the pipe is executed instead.
func TestBinaryIsNotWhereForkMovesFiles(t *testing.T) {
	binary, err := os.Open("/bin/true")
	if err != nil {
		t.Fatal(err)
	}
	defer binary.Close()
	high := beforeFreeNumber(t)
	defer high.Close()
	pid, err := fork(spec{binary: binary, argv0: "true"}, []*os.File{high, high, high})
	if err != nil {
		t.Fatalf("the highest of the child's files is %d: %v", high.Fd(), err)
	}
	var status unix.WaitStatus
	if _, err := unix.Wait4(pid, &status, 0, nil); err != nil || status != 0 {
		t.Fatalf("wait: status %d, %v", status, err)
	}
}

// beforeFreeNumber returns a file whose number is high and followed by a free one.
func beforeFreeNumber(t *testing.T) *os.File {
	last := -1
	for {
		fd, err := unix.FcntlInt(0, unix.F_DUPFD_CLOEXEC, 16)
		if err != nil {
			t.Fatal(err)
		}
		if fd == last+1 {
			unix.Close(fd)
			return os.NewFile(uintptr(last), "high")
		}
		last = fd
	}
}
