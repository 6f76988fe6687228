// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"

	"github.com/nsrun/nsrun/ns"
	"github.com/nsrun/nsrun/nsplugin"
)

// mount is the plugin, with its options. Those that act in the order of the
// command line are read from the request, which keeps that order; their fields
// only declare them.
type mount struct {
	Bind      [][]string `option:"bind" args:"SRC,DST" type:"path" help:"show SRC at DST; nosuid, nodev. DST:idmap shows its files under the ids of the run's user namespace"`
	ROBind    [][]string `option:"ro-bind" args:"SRC,DST" type:"path" help:"show SRC at DST, read-only with all that is mounted below"`
	DevBind   [][]string `option:"dev-bind" args:"SRC,DST" type:"path" help:"show SRC at DST with working device nodes; nosuid"`
	BindTry   [][]string `option:"bind-try" args:"SRC,DST" type:"path" help:"as --bind, left out if SRC doesn't exist"`
	ROBindTry [][]string `option:"ro-bind-try" args:"SRC,DST" type:"path" help:"as --ro-bind, left out if SRC doesn't exist"`
	Tmpfs     []string   `option:"tmpfs" args:"DST" help:"mount an empty tmpfs on DST; DST[:size=SIZE,mode=MODE]"`
	Dev       []string   `option:"dev" args:"DST" help:"mount a minimal /dev on DST; none for no /dev at all in a --rootfs"`
	Dir       []string   `option:"dir" args:"PATH" type:"path" help:"make the directory PATH, in a --rootfs or a --tmpfs"`
	Symlink   [][]string `option:"symlink" args:"TARGET,LINK" help:"make LINK a symbolic link to TARGET, in a --rootfs or a --tmpfs"`
	Overlay   [][]string `option:"overlay" args:"LOWER,CHANGES,DST" type:"path" help:"show the directory LOWER at DST, writable; what is written goes to the directory CHANGES"`
	TmpOver   [][]string `option:"tmp-overlay" args:"LOWER,DST" type:"path" help:"show the directory LOWER at DST, writable; what is written is gone with the run"`
	File      [][]string `option:"file" args:"FD,DST" help:"put a file at DST that holds what is read from descriptor FD, or what env:VAR says; it is in memory and read-only"`
	ROData    [][]string `option:"ro-bind-data" args:"FD,DST" help:"the same as --file"`
	Mask      []string   `option:"mask" args:"PATH" type:"path" help:"hide PATH behind an empty file or directory"`
	Unmask    []string   `option:"unmask" args:"PATH" help:"leave PATH as it is, which a --rootfs or --ro-root hides or makes read-only; all for all of them"`
	Propagate string     `option:"propagation" args:"HOW" enum:"private,slave" default:"private" help:"whether mounts that the host makes later are seen (slave) or not"`
	Proc      string     `option:"proc" args:"HOW" enum:"fresh,bind,none" help:"what is at /proc: a new proc, the outer one, or what is there; fresh with a pid namespace, else bind in a --rootfs, else none"`
	Rootfs    string     `option:"rootfs" args:"DIR" type:"path" help:"make DIR the root directory; DIR:idmap as with --bind"`
	RORoot    bool       `option:"ro-root" help:"the caller's root directory, read-only, with a /dev, /tmp, /var/tmp and /run of its own"`
	RORootfs  bool       `option:"ro-rootfs" help:"make the --rootfs read-only, with all that is mounted below"`
}

// Describe returns what the plugin says of itself.
func (*mount) Describe() nsplugin.Info {
	return nsplugin.Info{
		Name:    "mount",
		Version: "0.1.0",
		Summary: "mounts of its own: binds, tmpfs, /proc, /dev, a root directory",
		Kinds:   []ns.Kind{ns.Mount},
	}
}

// Negotiate offers the steps from private propagation to the switch of roots,
// or all that is wrong with the options.
func (m *mount) Negotiate(_ context.Context, req *ns.Request) (*ns.Offer, error) {
	t := m.read(req)
	offer := &ns.Offer{Kinds: req.Owns, Diagnostics: t.problems}
	if len(t.problems) > 0 {
		return offer, nil
	}
	offer.Steps = t.plan()
	offer.Wants = t.wants()
	// Only a --bind-try makes another offer of a source that comes or goes. That
	// of a --bind, once found, is looked up again by the step itself; to name it
	// here would void the offer whenever a file is made in the directory.
	offer.Freshness = &ns.Freshness{Files: t.tried}
	return offer, nil
}

// read turns the options into a tree, or into problems.
func (m *mount) read(req *ns.Request) *tree {
	t := &tree{dir: req.Facts.Dir, newPID: req.Has(ns.PID), proc: m.Proc, propagation: m.Propagate, unmask: m.Unmask, noIDMap: idMapObstacle(req)}
	m.readRoot(t)
	for _, s := range req.Settings {
		t.add(s)
	}
	t.checkUnmask()
	t.addDefaults()
	return t
}

// readRoot reads the root directory's own options. They come before those that
// act in order, since the root directory is mounted before all else.
func (m *mount) readRoot(t *tree) {
	attrs := bindAttrs
	if m.RORootfs {
		attrs = roBindAttrs
	}
	if m.RORoot {
		t.setRoot("ro-root", nil, roBindAttrs)
		t.guarded, t.scratch = true, true
	}
	switch {
	case m.Rootfs != "":
		dir, attrs := t.idMapped("rootfs", []string{m.Rootfs}, attrs)
		t.setRoot("rootfs", []string{dir}, attrs)
		t.guarded = true
	case m.RORootfs:
		t.problem("ro-rootfs", "--ro-rootfs: there is no --rootfs to make read-only", "--ro-root, for a read-only view of the caller's root")
	}
}
