// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/nsrun/nsrun/core"
	"github.com/nsrun/nsrun/core/flags"
	"github.com/nsrun/nsrun/ns"
	"golang.org/x/sys/unix"
)

// maxErrno is the highest number that a system call can return as an error.
const maxErrno = 4095

// Errno returns the error that is called so: its name, in either case, or its number; errno(3).
func Errno(name string) (unix.Errno, error) {
	number, err := strconv.Atoi(name)
	for n := unix.Errno(1); n <= maxErrno; n++ {
		known := unix.ErrnoName(n)
		if known != "" && (strings.EqualFold(known, name) || err == nil && int(n) == number) {
			return n, nil
		}
	}
	d := &ns.Diagnostic{Option: "errno", Summary: fmt.Sprintf("explain: there is no error %q", name), Hint: "a name or number of errno(3), such as EROFS"}
	if n := flags.Nearest(strings.ToUpper(name), Errnos()); n != "" {
		d.Hint = "--errno " + n
	}
	return 0, d
}

// Errnos returns the names of all errors, in the order of their numbers.
func Errnos() (names []string) {
	for n := unix.Errno(1); n <= maxErrno; n++ {
		if name := unix.ErrnoName(n); name != "" {
			names = append(names, name)
		}
	}
	return names
}

// Giving returns those findings in which something fails with the error, and of their
// diagnostics those alone that tell of it. None at all is an error.
func Giving(errno unix.Errno, findings []core.Finding) (given []core.Finding, err error) {
	for _, f := range findings {
		f.Diagnostics = slices.DeleteFunc(slices.Clone(f.Diagnostics), func(d ns.Diagnostic) bool { return d.Errno != errno })
		if len(f.Diagnostics) > 0 {
			given = append(given, f)
		}
	}
	if len(given) > 0 {
		return given, nil
	}
	return []core.Finding{}, &ns.Diagnostic{Option: "errno", Summary: fmt.Sprintf("none of it fails with %s, %v", unix.ErrnoName(errno), errno),
		Hint: "without --errno all is told that can be said of it"}
}
