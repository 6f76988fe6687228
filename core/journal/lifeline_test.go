// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

// TestTheLifelineIsAtItsEndWhenTheRunIs reads it as what serves a run does.
func TestTheLifelineIsAtItsEndWhenTheRunIs(t *testing.T) {
	for name, end := range map[string]func(*Run) error{"removed": (*Run).Remove, "left to gc": (*Run).Close} {
		t.Run(name, func(t *testing.T) {
			r := create(t, open(t), "")
			path, err := r.Lifeline()
			if err != nil {
				t.Fatal(err)
			}
			if info, err := os.Lstat(path); err != nil || info.Mode() != os.ModeNamedPipe|0o600 {
				t.Errorf("%s is %v, %v; want a FIFO of the user's own", path, info.Mode(), err)
			}
			if flags, err := unix.FcntlInt(r.lifeline.Fd(), unix.F_GETFD, 0); err != nil || flags&unix.FD_CLOEXEC == 0 {
				t.Error("programs that are executed get the writing end")
			}
			reader, err := unix.Open(path, unix.O_RDONLY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
			if err != nil {
				t.Fatal(err)
			}
			defer unix.Close(reader)
			if n, err := unix.Read(reader, make([]byte, 1)); err != unix.EAGAIN {
				t.Errorf("read %d, %v while the run lives; want EAGAIN", n, err)
			}
			if err := end(r); err != nil {
				t.Error(err)
			}
			if n, err := unix.Read(reader, make([]byte, 1)); n != 0 || err != nil {
				t.Errorf("read %d, %v after the run; want end of file", n, err)
			}
		})
	}
}
