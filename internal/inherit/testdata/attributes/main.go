// SPDX-License-Identifier: Apache-2.0

// Command attributes prints what this process, and the processes that it starts,
// have of the attributes that package inherit is about.
package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"runtime"
	"strings"

	"github.com/nsrun/nsrun/internal/inherit"
)

type attributes struct {
	// Processors is how many the runtime uses at first, and All how many when it is to
	// use all.
	Processors, All int
	// OpenFiles is what inherit says the limit was.
	OpenFiles uint64
	// First is what a process gets that the first thread starts, Other one that
	// another does.
	First, Other string
}

func init() { runtime.LockOSThread() }

func main() {
	got := attributes{Processors: runtime.GOMAXPROCS(0), First: child()}
	got.OpenFiles, _ = inherit.OpenFiles()
	other := make(chan string)
	go func() {
		runtime.LockOSThread()
		inherit.ToThread()
		other <- child()
	}()
	got.Other = <-other
	inherit.ToRuntime()
	got.All = runtime.GOMAXPROCS(0)
	_ = json.NewEncoder(os.Stdout).Encode(got)
}

// child returns the attributes of a process that this thread starts.
func child() string {
	out, err := exec.Command("sh", "-c", "ulimit -Sn; ulimit -Hn; cat /proc/self/timerslack_ns; grep Cpus_allowed_list /proc/self/status").CombinedOutput()
	if err != nil {
		return err.Error()
	}
	return strings.Join(strings.Fields(string(out)), " ")
}
