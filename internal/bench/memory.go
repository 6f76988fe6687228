// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os/exec"
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
		if procfs.Read(pid, "comm") == "sleep\n" {
			continue
		}
		n, ok := procfs.PSS(pid)
		if !ok {
			return 0, fmt.Errorf("no Pss of process %d", pid)
		}
		kilobytes += n
	}
	return float64(kilobytes) / 1024, nil
}
