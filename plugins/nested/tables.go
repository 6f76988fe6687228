// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"os"
	"runtime"

	"golang.org/x/sys/unix"

	"github.com/nsrun/nsrun/nsplugin"
	"github.com/nsrun/nsrun/nsplugin/nsnet/bridge"
)

// checkTables returns an error if this kernel can't have the network's rules. Only root
// of a network may ask, so that a process in a network of its own does.
func checkTables() error {
	runtime.LockOSThread() // see keep
	defer runtime.UnlockOSThread()
	var said bytes.Buffer
	cmd := command("/proc/self/exe", os.Args[0], tablesRole, "")
	cmd.Stderr = &said
	asRoot(cmd, unix.CLONE_NEWNET)
	err := cmd.Run()
	switch {
	case err == nil:
		return nil
	case said.Len() > 0:
		return nsplugin.Errorf("%s", bytes.TrimSpace(said.Bytes())).WithDetail("the kernel has no nf_tables").WithHint("modprobe nf_tables, or --plugins net=pasta")
	}
	return nsplugin.Errorf("make user and network namespaces: %w", err).WithHint("nsctl doctor says what is in the way")
}

// lookForTables is the role of that process.
func lookForTables(string) error { return bridge.CheckTables() }
