// SPDX-License-Identifier: Apache-2.0

// Package procfs reads what proc(5) says of a process.
package procfs

import (
	"fmt"
	"strconv"
	"strings"

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

// parseParent returns the fourth field of a line of /proc/PID/stat; the second
// is a name in parentheses that may itself hold spaces and parentheses.
func parseParent(stat string) int {
	fields := strings.Fields(stat[strings.LastIndexByte(stat, ')')+1:])
	if len(fields) < 2 {
		return 0
	}
	parent, _ := strconv.Atoi(fields[1])
	return parent
}
