// SPDX-License-Identifier: Apache-2.0

package helper

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/nsrun/nsrun/ns"
	"github.com/nsrun/nsrun/nsplugin"
	"github.com/nsrun/nsrun/nsplugin/helper/lifeline"
)

// Finish ends the helper of the run, for PostExec, and waits until it is gone. It
// may be called again. If the helper had started well and is gone already, it
// returns a warning, which PostExec is to return, unless the helper's log has the
// farewell with which it ends when the sandbox does, or nsrun has been killed and the
// kernel has therefore ended the helper.
func Finish(ctx context.Context, req *ns.HookRequest, name, farewell string) error {
	ended, err := end(ctx, req, name)
	if err != nil {
		return nsplugin.Errorf("end %s of run %s: %w", name, req.RunID, err).WithHint("nsctl gc tries again")
	}
	log, kept := logFile(req, name), readState(req.State)
	text := tail(log, kept.Log)
	leftInPeace := farewell != "" && strings.Contains(text, farewell) || lifeline.Over(req.Lifeline)
	// A run without a log is one that was finished before.
	if err := os.Remove(log); errors.Is(err, fs.ErrNotExist) || ended || kept.PID == 0 || leftInPeace {
		return nil
	}
	return nsplugin.Warnf("lost %s before the command ended, which was cut off from then on", name).WithDetail(lastLines(text))
}

// LastWords returns what a helper that is called name said last, as one line, or "".
// [Finish] takes its log away.
func LastWords(req *ns.HookRequest, name string) string {
	return lastLines(tail(logFile(req, name), 0))
}

// Said reports whether a helper that is called name said words of late: in the last
// 4 KiB of its log. [Finish] takes that away.
func Said(req *ns.HookRequest, name, words string) bool {
	return strings.Contains(tail(logFile(req, name), 0), words)
}

// readState reads what [Start] returned. It returns the zero state if that isn't
// known, since PreExec was cut short.
func readState(kept []byte) state {
	var s state
	if len(kept) == 0 || json.Unmarshal(kept, &s) != nil {
		return state{}
	}
	return s
}

// end ends every process that bears the title of the run's helper, and reports
// whether there was one.
func end(ctx context.Context, req *ns.HookRequest, name string) (ended bool, err error) {
	want := title(req, name)
	for _, pid := range candidates(readState(req.State)) {
		was, e := kill(ctx, pid, want)
		ended, err = ended || was, errors.Join(err, e)
	}
	return ended, err
}

// candidates returns the process that PreExec started, or all if it was cut short
// and nobody knows.
func candidates(kept state) []int {
	if kept.PID > 0 {
		return []int{kept.PID}
	}
	dirs, _ := os.ReadDir("/proc")
	var pids []int
	for _, d := range dirs {
		if pid, err := strconv.Atoi(d.Name()); err == nil {
			pids = append(pids, pid)
		}
	}
	return pids
}

// kill ends a process if it bears the title, and waits until it is gone. The title
// is read after the process is held by a descriptor, so that the number can't
// become another's in between; pidfd_open(2).
func kill(ctx context.Context, pid int, title string) (was bool, err error) {
	fd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		return false, nil // gone, or a thread
	}
	defer unix.Close(fd)
	if titleOf(pid) != title {
		return false, nil
	}
	if err := unix.PidfdSendSignal(fd, unix.SIGKILL, nil, 0); err != nil {
		if err == unix.ESRCH {
			return false, nil
		}
		return true, fmt.Errorf("kill process %d: %w", pid, err)
	}
	return true, gone(ctx, fd, pid)
}

// titleOf returns the first word of a process's arguments; "" for a zombie, which
// has none.
func titleOf(pid int) string {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	if err != nil {
		return ""
	}
	first, _, _ := bytes.Cut(text, []byte{0})
	return string(first)
}

// gone waits until the process of a descriptor has ended, which makes the
// descriptor readable.
func gone(ctx context.Context, fd, pid int) error {
	const poll = 100 * time.Millisecond
	fds := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
	for {
		n, err := unix.Poll(fds, int(poll.Milliseconds()))
		switch {
		case n > 0:
			return nil
		case err != nil && err != unix.EINTR:
			return fmt.Errorf("wait for process %d: %w", pid, err)
		case ctx.Err() != nil:
			return fmt.Errorf("wait for process %d: %w", pid, context.Cause(ctx))
		}
	}
}
