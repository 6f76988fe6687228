// SPDX-License-Identifier: Apache-2.0

package main

import (
	"path"

	"github.com/nsrun/nsrun/ns"
	"github.com/nsrun/nsrun/nsplugin"
)

// nodes are the devices that programs expect and that give no access to the
// machine. They are bound from the host, since mknod(2) isn't allowed in a user
// namespace.
var nodes = []string{"null", "zero", "full", "random", "urandom", "tty"}

// links are the symbolic links of a /dev.
var links = []struct{ name, target string }{
	{"fd", "/proc/self/fd"},
	{"stdin", "/proc/self/fd/0"},
	{"stdout", "/proc/self/fd/1"},
	{"stderr", "/proc/self/fd/2"},
	{"core", "/proc/kcore"},
	// Of the devpts mounted there, not of the host's; pts(4).
	{"ptmx", "pts/ptmx"},
}

// devSteps returns the steps that mount a minimal /dev on dst. The terminals
// are a devpts of their own, without gid=5 for them, since that group doesn't
// exist in most user namespaces.
func devSteps(dst string) []ns.Step {
	steps := []ns.Step{nsplugin.Tmpfs(dst, "mode=0755", ns.NoSUID, ns.StrictTime)}
	for _, name := range nodes {
		steps = append(steps, nsplugin.Bind("/dev/"+name, path.Join(dst, name), devBindAttrs...))
	}
	steps = append(steps,
		nsplugin.Mount("devpts", path.Join(dst, "pts"), "newinstance,ptmxmode=0666,mode=0620", ns.NoSUID, ns.NoExec),
		nsplugin.Tmpfs(path.Join(dst, "shm"), "mode=1777", ns.NoSUID, ns.NoDev, ns.NoExec),
		nsplugin.Mkdir(path.Join(dst, "mqueue"), 0), // the ipc plugin mounts the queues there
	)
	for _, l := range links {
		steps = append(steps, nsplugin.Symlink(l.target, path.Join(dst, l.name)))
	}
	return steps
}
