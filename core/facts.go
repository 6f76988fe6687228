// SPDX-License-Identifier: Apache-2.0

package core

import (
	"os"
	"strconv"
	"strings"

	"github.com/nsrun/nsrun/internal/plainfile"
	"github.com/nsrun/nsrun/ns"
	"golang.org/x/sys/unix"
)

// hostFacts returns what nsrun tells plugins of the host and the caller.
func hostFacts() (ns.Facts, error) {
	dir, err := os.Getwd()
	if err != nil {
		return ns.Facts{}, &ns.Diagnostic{Summary: "find the working directory: " + err.Error(), Hint: "cd to a directory that exists"}
	}
	var uts unix.Utsname
	if err := unix.Uname(&uts); err != nil {
		return ns.Facts{}, &ns.Diagnostic{Summary: "uname: " + err.Error()}
	}
	return ns.Facts{
		UID: os.Geteuid(), GID: os.Getegid(), UserName: userName(os.Geteuid()), Dir: dir,
		Kernel: unix.ByteSliceToString(uts.Release[:]), Hostname: unix.ByteSliceToString(uts.Nodename[:]),
	}, nil
}

// userName looks uid up in /etc/passwd; passwd(5). Package os/user would do it
// too, at the price of its start.
func userName(uid int) string {
	text, err := plainfile.Read("/etc/passwd")
	if err != nil {
		return ""
	}
	want := strconv.Itoa(uid)
	for line := range strings.Lines(string(text)) {
		fields := strings.SplitN(line, ":", 4)
		if len(fields) == 4 && fields[2] == want {
			return fields[0]
		}
	}
	return ""
}
