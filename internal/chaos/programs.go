// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// programsEnv tells scripts/private-host where the programs are that it puts in PATH.
const programsEnv = "PRIVATE_HOST_BIN"

// keepPrograms has all private hosts use a copy of bin/, until remove is called: plugins
// that are built anew meanwhile aren't those that the runs began with.
func keepPrograms() (remove func(), err error) {
	parent, err := filepath.Abs("bin/test")
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp(parent, "programs-")
	if err != nil {
		return nil, err
	}
	remove = func() { _ = os.RemoveAll(dir) }
	script := `cp -a bin/nsrun bin/nsrun-host bin/nsctl bin/plugins bin/cni "$1" && chmod 755 "$1"`
	if out, err := exec.Command("sh", "-c", script, "sh", dir).CombinedOutput(); err != nil {
		remove()
		return nil, fmt.Errorf("copy bin/ to %s: %w\n%s", dir, err, out)
	}
	return remove, os.Setenv(programsEnv, dir)
}
