// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/nsrun/nsrun/internal/procfs"
	"github.com/nsrun/nsrun/ns"
	"golang.org/x/sys/unix"
)

// subject is the process that wants something; credentials(7). All ids are those of
// the host, as stat(2) of the host has them.
type subject struct {
	uid, gid   uint32 // those that count for files
	groups     []uint32
	caps       uint64 // the effective ones, in its own user namespace
	noNewPrivs bool
	uids, gids []ns.Extent // the map of its user namespace
	initial    bool        // its user namespace is that of the whole host
}

// readSubject reads the credentials of the process pid; proc_pid_status(5).
func readSubject(pid int) (s subject, err error) {
	status := procfs.Status(pid)
	if len(status["Uid"]) != 4 || len(status["Gid"]) != 4 {
		return s, fmt.Errorf("its command, process %d, isn't there any more", pid)
	}
	s.uid, s.gid = number(status["Uid"][3]), number(status["Gid"][3])
	for _, g := range status["Groups"] {
		s.groups = append(s.groups, number(g))
	}
	s.caps, _ = strconv.ParseUint(strings.Join(status["CapEff"], ""), 16, 64)
	s.noNewPrivs = strings.Join(status["NoNewPrivs"], "") == "1"
	s.uids, s.gids = extents(procfs.Read(pid, "uid_map")), extents(procfs.Read(pid, "gid_map"))
	link, _ := os.Readlink(fmt.Sprintf("/proc/%d/ns/user", pid))
	s.initial = link == initialUser
	return s, nil
}

// initialUser is the user namespace that the kernel starts with: PROC_USER_INIT_INO of
// its proc_ns.h.
const initialUser = "user:[4026531837]"

// idInside returns the id of the process pid in its own PID namespace, 0 if it is gone.
func idInside(pid int) uint32 {
	ids := procfs.Status(pid)["NSpid"]
	if len(ids) == 0 {
		return 0
	}
	return number(ids[len(ids)-1])
}

func number(word string) uint32 {
	n, _ := strconv.ParseUint(word, 10, 32)
	return uint32(n)
}

// extents reads a uid_map or gid_map; user_namespaces(7).
func extents(text string) (list []ns.Extent) {
	for line := range strings.Lines(text) {
		if f := strings.Fields(line); len(f) == 3 {
			list = append(list, ns.Extent{Inside: number(f[0]), Outside: number(f[1]), Size: number(f[2])})
		}
	}
	return list
}

// knows reports whether both ids of a file exist in the subject's user namespace.
func (s *subject) knows(f *file) bool {
	return ns.MapsOutside(s.uids, f.uid) && ns.MapsOutside(s.gids, f.gid)
}

// inside returns what an id of the host is in a user namespace with these extents, which
// have it. In an idmapped mount that is also what it is on disk.
func inside(extents []ns.Extent, id uint32) uint32 {
	n, _ := ns.IDInside(extents, id)
	return n
}

// has reports whether the subject has a capability; capabilities(7).
func (s *subject) has(capability int) bool { return s.caps>>capability&1 != 0 }

// may reports whether permissions and capabilities let the subject access a file in
// all the ways of want: 4 to read, 2 to write, 1 to execute or search;
// path_resolution(7), "Permissions".
func (s *subject) may(f *file, want uint16) bool {
	return want&^s.permitted(f) == 0 || s.knows(f) && s.overrides(f, want)
}

// permitted returns what the permissions of a file give the subject.
func (s *subject) permitted(f *file) uint16 {
	switch {
	case s.uid == f.uid:
		return f.mode >> 6 & 7
	case s.gid == f.gid || slices.Contains(s.groups, f.gid):
		return f.mode >> 3 & 7
	}
	return f.mode & 7
}

// overrides reports whether the subject has a capability to access a file whatever its
// permissions, if it knows the file's ids.
func (s *subject) overrides(f *file, want uint16) bool {
	return overridable(f, want) && (s.has(unix.CAP_DAC_OVERRIDE) || s.has(capabilityFor(f, want)))
}

// capabilityFor returns the smallest capability that accesses a file whatever its
// permissions.
func capabilityFor(f *file, want uint16) int {
	if want == 4 || want&2 == 0 && f.is(unix.S_IFDIR) {
		return unix.CAP_DAC_READ_SEARCH
	}
	return unix.CAP_DAC_OVERRIDE
}

// overridable reports whether a capability helps: a file that nobody may execute stays
// so.
func overridable(f *file, want uint16) bool {
	return want&1 == 0 || f.is(unix.S_IFDIR) || f.mode&0o111 != 0
}
