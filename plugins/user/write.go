// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"github.com/nsrun/nsrun/ns"
	"github.com/nsrun/nsrun/nsplugin"
)

// child is the process whose map is written.
type child struct{ pid int }

// half is one half of a map: the file of the child, and the program that
// writes it where the caller may not.
type half struct{ file, helper string }

var (
	uidHalf = half{"uid_map", "newuidmap"}
	gidHalf = half{"gid_map", "newgidmap"}
)

// path returns the path of one of the child's files; proc_pid(5).
func (c child) path(file string) string { return fmt.Sprintf("/proc/%d/%s", c.pid, file) }

// writeMap writes both halves of m and reads them back. setgroups goes first,
// since it can't be denied any more once the group map is there.
func (c child) writeMap(ctx context.Context, m *ns.IDMap) error {
	if m.DenySetgroups {
		if err := c.write("setgroups", "deny"); err != nil {
			return err
		}
	}
	write := c.writeHalf
	if m.Helpers {
		write = c.runHelper
	}
	if err := write(ctx, uidHalf, m.UIDs); err != nil {
		return err
	}
	if err := write(ctx, gidHalf, m.GIDs); err != nil {
		return err
	}
	return c.verify(m)
}

// writeHalf writes one half by itself.
func (c child) writeHalf(_ context.Context, h half, extents []ns.Extent) error {
	return c.write(h.file, ns.FormatExtents(extents))
}

// write writes a file of the child in one system call: the kernel takes a map
// only once and only whole.
func (c child) write(file, text string) error {
	f, err := os.OpenFile(c.path(file), os.O_WRONLY, 0)
	if err != nil {
		return c.failed(file, text, err)
	}
	_, err = f.WriteString(text)
	if err = errors.Join(err, f.Close()); err != nil {
		return c.failed(file, text, err)
	}
	return nil
}

// failed returns the error of a write.
func (c child) failed(file, text string, err error) error {
	var errno syscall.Errno
	if errors.As(err, &errno) {
		err = errno
	}
	lines := strings.ReplaceAll(strings.TrimSpace(text), "\n", ", ")
	return nsplugin.Errorf("write %s %q: %w", c.path(file), lines, err).WithDetail(writeCauses[errno])
}

// writeCauses says what the errors of a write mean here, where the rules about
// its content have been checked before.
var writeCauses = map[syscall.Errno]string{
	syscall.EPERM:  "the caller lacks CAP_SETUID, CAP_SETGID or, to map id 0, CAP_SETFCAP; or the map is written already; user_namespaces(7)",
	syscall.EACCES: "the file isn't the caller's: the process was made undumpable, or belongs to another user; proc(5)",
	syscall.ENOENT: "the process has ended",
}

// runHelper has newuidmap or newgidmap write one half: it gives an ordinary
// user the ids that /etc/subuid and /etc/subgid grant.
func (c child) runHelper(ctx context.Context, h half, extents []ns.Extent) error {
	program := findHelper(h.helper)
	if program == "" {
		return nsplugin.Errorf("run %s: not in %s", h.helper, strings.Join(helperDirs, ", ")).WithHint(installHint)
	}
	args := []string{strconv.Itoa(c.pid)}
	for _, e := range extents {
		args = append(args, strings.Fields(e.String())...)
	}
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Env = []string{} // it runs as root, and needs none
	out, err := cmd.CombinedOutput()
	if err != nil {
		return nsplugin.Errorf("run %s %s: %w", program, strings.Join(args, " "), err).
			WithDetail(string(bytes.TrimSpace(out))).
			WithHint("--map-root-user, which needs no helper")
	}
	return nil
}

// verify reads back what the kernel has, which is what counts: a helper may
// have other ideas of the ranges.
func (c child) verify(m *ns.IDMap) error {
	err := errors.Join(c.verifyHalf(uidHalf, m.UIDs), c.verifyHalf(gidHalf, m.GIDs))
	if err != nil || !m.DenySetgroups {
		return err
	}
	text, err := os.ReadFile(c.path("setgroups"))
	if err != nil {
		return err
	}
	if got := strings.TrimSpace(string(text)); got != "deny" {
		return nsplugin.Errorf("read back %s: %q instead of %q", c.path("setgroups"), got, "deny")
	}
	return nil
}

// verifyHalf compares one half. The kernel sorts maps of more than five lines.
func (c child) verifyHalf(h half, want []ns.Extent) error {
	got, err := readMap(c.path(h.file))
	if err != nil {
		return err
	}
	if !slices.Equal(sorted(got), sorted(want)) {
		return nsplugin.Errorf("read back %s: %q instead of %q", c.path(h.file), ns.FormatExtents(got), ns.FormatExtents(want))
	}
	return nil
}

// sorted returns the extents in the order of the ids inside.
func sorted(extents []ns.Extent) []ns.Extent {
	return slices.SortedFunc(slices.Values(extents), func(a, b ns.Extent) int { return cmp.Compare(a.Inside, b.Inside) })
}
