// SPDX-License-Identifier: Apache-2.0

package core

import (
	"fmt"
	"os"

	"github.com/nsrun/nsrun/ns"
	"golang.org/x/sys/unix"
)

// statusWriter writes the progress of a run as JSON lines, in bubblewrap's
// words, to the descriptor that the caller gave. The nil writer writes nothing.
type statusWriter struct{ file *os.File }

// openStatus returns a writer to fd, or nil for -1.
func openStatus(fd int) (*statusWriter, error) {
	if fd < 0 {
		return nil, nil
	}
	if _, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); err != nil {
		return nil, &ns.Diagnostic{Option: "status-fd", Summary: fmt.Sprintf("--status-fd: descriptor %d is not open", fd),
			Hint: fmt.Sprintf("open it for nsrun, as in --status-fd %d %d>log", fd, fd)}
	}
	unix.CloseOnExec(fd)
	return &statusWriter{os.NewFile(uintptr(fd), "status")}, nil
}

func (w *statusWriter) started(pid int) {
	if w != nil {
		fmt.Fprintf(w.file, "{\"child-pid\": %d}\n", pid)
	}
}

func (w *statusWriter) exited(status int) {
	if w != nil {
		fmt.Fprintf(w.file, "{\"exit-code\": %d}\n", status)
	}
}
