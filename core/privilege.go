// SPDX-License-Identifier: Apache-2.0

package core

import (
	"os"

	"github.com/nsrun/nsrun/ns"
	"golang.org/x/sys/unix"
)

// atSecure is AT_SECURE of getauxval(3): the kernel sets it when a program
// gains privilege by being executed.
const atSecure = 23

// RefuseElevated returns an error if this process got privilege from its file:
// set-user-id, set-group-id or file capabilities. nsrun takes paths, plugins and
// environment from its caller and must never do so with more rights than his.
func RefuseElevated() error {
	if !elevated() {
		return nil
	}
	return &ns.Diagnostic{
		Summary: "nsrun refuses to run with privilege from its file (set-user-id, set-group-id or capabilities)",
		Hint:    "chmod u-s,g-s and setcap -r on the nsrun binary; an ordinary user needs no privilege, since nsrun adds a user namespace",
	}
}

func elevated() bool {
	if os.Getuid() != os.Geteuid() || os.Getgid() != os.Getegid() {
		return true
	}
	vec, err := unix.Auxv()
	if err != nil {
		return true
	}
	for _, entry := range vec {
		if entry[0] == atSecure {
			return entry[1] != 0
		}
	}
	return false
}
