// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/nsrun/nsrun/internal/procfs"
)

// settled is how long a sandbox runs before it counts as one at rest.
const settled = 2 * time.Second

// keptMemory is the proportional set size (proc_pid_smaps(5)), in megabytes, of all
// that runs for a sandbox but its command, which must be called sleep.
func keptMemory(p *exec.Cmd) (float64, error) {
	if err := p.Start(); err != nil {
		return 0, err
	}
	p.WaitDelay = time.Second // what bubblewrap has started outlives it, with its standard error
	defer p.Wait()
	defer p.Process.Kill()
	time.Sleep(settled)
	kilobytes := 0
	for _, pid := range procfs.Family(p.Process.Pid) {
		if name, _ := os.ReadFile(procFile(pid, "comm")); strings.TrimSpace(string(name)) == "sleep" {
			continue
		}
		n, err := pss(pid)
		if err != nil {
			return 0, err
		}
		kilobytes += n
	}
	return float64(kilobytes) / 1024, nil
}

func procFile(pid int, name string) string {
	return filepath.Join("/proc", strconv.Itoa(pid), name)
}

// pss returns the proportional set size of a process in kilobytes.
func pss(pid int) (int, error) {
	text, err := os.ReadFile(procFile(pid, "smaps_rollup"))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		var n int
		if _, err := fmt.Sscanf(line, "Pss: %d kB", &n); err == nil {
			return n, nil
		}
	}
	return 0, fmt.Errorf("no Pss of process %d", pid)
}
