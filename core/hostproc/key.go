// SPDX-License-Identifier: Apache-2.0

package hostproc

import (
	"encoding/hex"
	"fmt"
	"hash"
	"hash/fnv"
	"os"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/nsrun/nsrun/core/pluginenv"
	"github.com/nsrun/nsrun/internal/plainfile"
	"github.com/nsrun/nsrun/ns"
)

// Key names all that a plugin host and its plugins have from the process that
// started them, and that could change what they do: the program, the root
// directory, namespaces, ids and capabilities, limits, cgroup and environment. A
// warm plugin host is for callers with the same key only.
func Key(program string) (string, error) {
	sum := fnv.New128a()
	var st unix.Stat_t
	if err := unix.Stat(program, &st); err != nil {
		return "", &os.PathError{Op: "stat", Path: program, Err: err}
	}
	fmt.Fprintln(sum, st.Dev, st.Ino, st.Size, st.Mtim, st.Ctim)
	files := []string{"/"}
	for _, kind := range append(ns.Kinds(), "cgroup", "time") {
		files = append(files, "/proc/self/ns/"+kind.File())
	}
	for _, path := range files {
		if err := unix.Stat(path, &st); err != nil {
			return "", &os.PathError{Op: "stat", Path: path, Err: err}
		}
		fmt.Fprintln(sum, st.Dev, st.Ino)
	}
	status, err := plainfile.Read("/proc/self/status")
	if err != nil {
		return "", err
	}
	addInherited(sum, string(status))
	for _, path := range []string{"/proc/self/limits", "/proc/self/cgroup"} {
		text, err := plainfile.Read(path)
		if err != nil {
			return "", err
		}
		sum.Write(text)
	}
	for _, kv := range pluginenv.Allowed(os.Environ()) {
		sum.Write([]byte(kv + "\x00"))
	}
	return hex.EncodeToString(sum.Sum(nil)[:8]), nil
}

// inherited are the fields of /proc/self/status that a child process has from
// its parent; proc_pid_status(5).
var inherited = []string{"Umask:", "Uid:", "Gid:", "Groups:", "Cap", "NoNewPrivs:", "Seccomp"}

func addInherited(sum hash.Hash, status string) {
	for line := range strings.Lines(status) {
		for _, field := range inherited {
			if strings.HasPrefix(line, field) {
				sum.Write([]byte(line))
			}
		}
	}
}
