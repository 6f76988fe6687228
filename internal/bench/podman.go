// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
)

// podman is a command line of podman: a job on its default bridge, with its state
// below the benchmark's directory. It makes no cgroup, no log and no copy of the
// root, and so does no more than it is measured for.
func (p place) podman(label string, flags []string, job ...string) Command {
	state := filepath.Join(p.dir, "podman")
	global := []string{
		"podman", "--root", state, "--runroot", "/run/nsrun-bench-podman", "--tmpdir", "/run/nsrun-bench-podman/tmp",
		"--storage-driver", "vfs", "--cgroup-manager", "cgroupfs", "--events-backend", "none", "--runtime", "crun",
	}
	run := []string{"run", "--rm", "--cgroups=disabled", "--log-driver", "none", "--network", "bridge"}
	return Command{Label: label, Argv: slices.Concat(global, run, flags, []string{"--rootfs", p.root()}, job)}
}

func (p place) root() string { return filepath.Join(p.dir, "root") }

// makeRoot makes the root of podman's jobs: a static busybox, and iperf3 with its libraries.
func (p place) makeRoot() error {
	for _, dir := range []string{"bin", "dev", "etc", "proc", "run", "sys", "tmp"} {
		if err := os.MkdirAll(filepath.Join(p.root(), dir), 0o755); err != nil {
			return err
		}
	}
	files, err := withLibraries("iperf3")
	if err != nil {
		return err
	}
	for _, name := range append(files, "/bin/busybox") {
		if out, err := exec.Command("cp", "--parents", "-L", name, p.root()).CombinedOutput(); err != nil {
			return fmt.Errorf("copy %s: %w\n%s", name, err, out)
		}
	}
	for _, name := range []string{"true", "echo"} {
		if err := os.Symlink("/bin/busybox", filepath.Join(p.root(), "bin", name)); err != nil {
			return err
		}
	}
	return nil
}

var libraryPath = regexp.MustCompile(`/\S+`)

// withLibraries returns the files that a program of PATH consists of.
func withLibraries(program string) ([]string, error) {
	file, err := exec.LookPath(program)
	if err != nil {
		return nil, err
	}
	out, err := exec.Command("ldd", file).Output()
	if err != nil {
		return nil, fmt.Errorf("ldd %s: %w", file, err)
	}
	return append(libraryPath.FindAllString(string(out), -1), file), nil
}
