// SPDX-License-Identifier: Apache-2.0

package nsplugin

import (
	"io"
	"os"
	"strconv"
	"syscall"
)

// watchLifeline ends the process when the file descriptor with the given number
// reads end of file. nsrun holds the other end, and with nsrun it closes,
// however nsrun dies. An empty number means that there is no lifeline.
//
// The parent-death signal alone isn't enough: it is cleared when the process
// changes its credentials; PR_SET_PDEATHSIG(2const).
func watchLifeline(number string) {
	fd, err := strconv.Atoi(number)
	if err != nil || fd < 3 {
		return
	}
	syscall.CloseOnExec(fd)
	go func() {
		_, _ = io.Copy(io.Discard, os.NewFile(uintptr(fd), "lifeline"))
		die()
	}()
}

// die ends the process and what it started. nsrun makes each plugin the leader
// of a process group, so that programs that a hook runs go with it.
func die() {
	if pid := os.Getpid(); syscall.Getpgrp() == pid {
		_ = syscall.Kill(-pid, syscall.SIGKILL)
	}
	os.Exit(1)
}
