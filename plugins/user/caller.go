// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/nsrun/nsrun/ns"
)

// caller is what the map depends on besides the options: who asks, and which
// ids are theirs to give.
type caller struct {
	root       bool   // may map every id that exists in its own namespace
	name       string // "" without an entry in the password database
	noNewPrivs bool   // setuid programs give no privilege; prctl(2)
	users      side
	groups     side
}

// side is one half of a map, users or groups, with the files and programs that
// belong to it.
type side struct {
	what   string // "user" or "group"
	option string // the option that gives extents
	own    uint32 // the caller's id
	exist  []ns.Extent
	sub    []ns.Extent // the caller's subordinate ranges; only Outside counts
	subid  string      // the file that lists them
	helper string      // the path of newuidmap or newgidmap, "" if there is none
}

// helperDirs are where the helpers are looked for. They are setuid programs
// that decide on the caller's ids, so the caller's PATH has no say in it.
var helperDirs = []string{"/usr/bin", "/usr/sbin", "/bin"}

// readCaller looks the caller up on this host.
func readCaller(f ns.Facts) (*caller, error) {
	c := &caller{
		root:       f.Root(),
		name:       f.UserName,
		noNewPrivs: noNewPrivs(),
		users:      side{what: "user", option: "map-users", own: uint32(f.UID), subid: "/etc/subuid", helper: findHelper("newuidmap")},
		groups:     side{what: "group", option: "map-groups", own: uint32(f.GID), subid: "/etc/subgid", helper: findHelper("newgidmap")},
	}
	if err := c.users.read("/proc/self/uid_map", f); err != nil {
		return nil, err
	}
	return c, c.groups.read("/proc/self/gid_map", f)
}

// read fills in the ids that exist here, and which of them are the caller's.
func (s *side) read(mapFile string, f ns.Facts) (err error) {
	if s.exist, err = readMap(mapFile); err != nil {
		return err
	}
	// A host without the file has no subordinate ids.
	text, err := os.ReadFile(s.subid)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	s.sub = s.usable(parseSubIDs(string(text), f.UserName, uint32(f.UID)))
	return nil
}

// readMap reads a uid_map or gid_map file.
func readMap(path string) ([]ns.Extent, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	extents, err := parseMap(string(text))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	return extents, nil
}

// findHelper returns the path of a helper, or "".
func findHelper(name string) string {
	for _, path := range helperPaths(name) {
		if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0 {
			return path
		}
	}
	return ""
}

// helperPaths returns where a helper may be.
func helperPaths(name string) []string {
	paths := make([]string, len(helperDirs))
	for i, dir := range helperDirs {
		paths[i] = filepath.Join(dir, name)
	}
	return paths
}

// noNewPrivs reports whether no_new_privs is set, as inside another sandbox.
func noNewPrivs() bool {
	const prGetNoNewPrivs = 39
	set, _, _ := syscall.RawSyscall(syscall.SYS_PRCTL, prGetNoNewPrivs, 0, 0)
	return set == 1
}

// dependencies returns the files that an offer depends on. Subordinate ids, and who may
// have them mapped, are nothing to a map of the caller's own.
func (u *user) dependencies() []string {
	files := []string{"/proc/self/uid_map", "/proc/self/gid_map"}
	for _, l := range limits {
		files = append(files, l.file)
	}
	if u.ownAlone() {
		return files
	}
	files = append(files, "/etc/subuid", "/etc/subgid", "/etc/passwd")
	files = append(files, helperPaths("newuidmap")...)
	return append(files, helperPaths("newgidmap")...)
}
