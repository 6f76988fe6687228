// SPDX-License-Identifier: Apache-2.0

// Package procfs reads what proc(5) says of a process.
package procfs

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/nsrun/nsrun/internal/plainfile"
)

// Read returns the file name of the process pid, or "" if the process is gone.
func Read(pid int, name string) string {
	text, err := plainfile.Read(fmt.Sprintf("/proc/%d/%s", pid, name))
	if err != nil {
		return ""
	}
	return string(text)
}

// Status returns the fields of /proc/PID/status, each as its words; none if the process is
// gone. See proc_pid_status(5).
func Status(pid int) map[string][]string { return fields(Read(pid, "status")) }

// PSS returns the proportional set size of a process in kilobytes, and false if the process
// is gone; smaps_rollup in proc_pid_smaps(5).
func PSS(pid int) (kilobytes int, ok bool) {
	words := fields(Read(pid, "smaps_rollup"))["Pss"]
	if len(words) == 0 {
		return 0, false
	}
	kilobytes, err := strconv.Atoi(words[0])
	return kilobytes, err == nil
}

// fields returns lines that begin with a name and a colon, each as its words.
func fields(text string) map[string][]string {
	all := map[string][]string{}
	for line := range strings.Lines(text) {
		name, words, _ := strings.Cut(line, ":")
		all[name] = strings.Fields(words)
	}
	return all
}

// Parent returns the parent of the process pid, or 0 if there is none to be seen.
func Parent(pid int) int { return parseParent(Read(pid, "stat")) }

// parseParent returns the fourth field of a line of /proc/PID/stat.
func parseParent(stat string) int { return statField(stat, 4) }

// ProcessorTime returns for how long the threads of a process have had a processor, in
// user mode and in the kernel, to a hundredth of a second; 0 if the process is gone.
func ProcessorTime(pid int) time.Duration { return parseProcessorTime(Read(pid, "stat")) }

// parseProcessorTime adds the fields utime and stime of a line of /proc/PID/stat. They are in
// clock ticks, of which Linux shows a hundred a second on all its architectures but Alpha.
func parseProcessorTime(stat string) time.Duration {
	return time.Duration(statField(stat, 14)+statField(stat, 15)) * (time.Second / 100)
}

// statField returns a number of a line of /proc/PID/stat, by its place from 3 on as
// proc_pid_stat(5) counts them; 0 if it isn't there. The second is a name in parentheses
// that may itself hold spaces and parentheses.
func statField(stat string, place int) int {
	fields := strings.Fields(stat[strings.LastIndexByte(stat, ')')+1:])
	if len(fields) < place-2 {
		return 0
	}
	n, _ := strconv.Atoi(fields[place-3])
	return n
}
