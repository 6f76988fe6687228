// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// adaptHost changes what the peers find in the benchmark's own mount namespace.
func (p place) adaptHost() error {
	if err := hideUnifiedCgroups(); err != nil {
		return err
	}
	return p.openTun()
}

// hideUnifiedCgroups hides the second hierarchy of cgroups, which crun refuses to see
// beside the first.
func hideUnifiedCgroups() error {
	const unified = "/sys/fs/cgroup/unified"
	if mounts, err := os.ReadFile("/proc/self/mounts"); err != nil || !strings.Contains(string(mounts), " "+unified+" ") {
		return err
	}
	return shell("umount -l " + unified)
}

// openTun lets everybody use /dev/net/tun, as is usual, whatever its mode is on the host.
func (p place) openTun() error {
	node := filepath.Join(p.dir, "tun")
	return shell("mknod "+node+" c 10 200", "chmod 666 "+node, "mount --bind "+node+" /dev/net/tun")
}

// shell runs command lines of plain words, one after the other.
func shell(lines ...string) error {
	for _, line := range lines {
		argv := words(line)
		if out, err := exec.Command(argv[0], argv[1:]...).CombinedOutput(); err != nil {
			return fmt.Errorf("%s: %w\n%s", line, err, out)
		}
	}
	return nil
}
