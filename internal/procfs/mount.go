// SPDX-License-Identifier: Apache-2.0

package procfs

import (
	"fmt"
	"strconv"
	"strings"
)

// Mount is a line of proc_pid_mountinfo(5).
type Mount struct {
	// ID is what statx(2) calls the mount, with STATX_MNT_ID.
	ID int
	// Point is where it is, as the process sees it.
	Point string
	// FSType is the type of its file system.
	FSType string
	// Options are those of the mount, SuperOptions those of the file system, with
	// commas between.
	Options, SuperOptions string
}

// ParseMounts returns the mounts of a mountinfo, in the order in which they were made.
func ParseMounts(text string) (table []Mount) {
	for line := range strings.Lines(text) {
		before, after, _ := strings.Cut(line, " - ")
		f, g := strings.Fields(before), strings.Fields(after)
		if len(f) > 5 && len(g) > 0 {
			id, _ := strconv.Atoi(f[0])
			table = append(table, Mount{id, unescape.Replace(f[4]), g[0], f[5], g[len(g)-1]})
		}
	}
	return table
}

// unescape undoes what proc(5) does to names.
var unescape = strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`)

// String returns the mount in words: where, of what type, with what flags.
func (m Mount) String() string { return fmt.Sprintf("%s (%s, %s)", m.Point, m.FSType, m.Options) }

// Has reports whether the mount has an option such as ro.
func (m Mount) Has(option string) bool { return among(m.Options, option) }

// SuperHas reports whether its file system has an option such as ro.
func (m Mount) SuperHas(option string) bool { return among(m.SuperOptions, option) }

// among reports whether word is in a list with commas.
func among(list, word string) bool { return strings.Contains(","+list+",", ","+word+",") }
