// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
)

// benchUID is the ordinary user's id; it needs no entry in the password
// database, since no subordinate ids are used.
const benchUID = 61234

var userRuntimeDir string

// prepare returns the cases, and what removes the files that they need.
func prepare(bin string) ([]Case, func(), error) {
	dir, err := os.MkdirTemp("", "nsrun-bench-")
	if err != nil {
		return nil, nil, err
	}
	cleanUp := func() { os.RemoveAll(dir) }
	bundle, err := runcBundle(dir)
	if err != nil {
		cleanUp()
		return nil, nil, err
	}
	userRuntimeDir = filepath.Join(dir, "xdg")
	if err := userDirs(dir); err != nil {
		cleanUp()
		return nil, nil, err
	}
	return cases(filepath.Join(bin, "nsrun"), bundle), cleanUp, nil
}

func userDirs(dir string) error {
	if err := os.Chmod(dir, 0o755); err != nil {
		return err
	}
	if err := os.Mkdir(userRuntimeDir, 0o700); err != nil {
		return err
	}
	return os.Chown(userRuntimeDir, benchUID, benchUID)
}

// cases is the table of the benchmark.
func cases(nsrun, bundle string) []Case {
	n := func(label, plugins string, more ...string) Command {
		argv := append([]string{nsrun, "--plugins", plugins}, more...)
		return Command{Label: label, Argv: append(argv, "true")}
	}
	four := words("bwrap --dev-bind / / --proc /proc --unshare-pid --unshare-uts --unshare-ipc true")
	all := words("bwrap --dev-bind / / --proc /proc --unshare-all true")
	runc := Command{Label: "runc run", Argv: []string{"runc", "run", "-b", bundle, "nsrun-bench"}, Goal: 1}
	return []Case{
		{Name: "pid,mount,uts,ipc as root, repeated", Commands: []Command{
			n("nsrun", "pid,mount,uts,ipc"),
			{Label: "bwrap, same namespaces and mounts", Argv: four, Goal: 1},
			{Label: "unshare -muipf --mount-proc", Argv: words("unshare -muipf --mount-proc true")},
			{Label: "runc run", Argv: runc.Argv},
		}},
		{Name: "user,pid,mount,uts,ipc,net=none as an ordinary user, repeated", UID: benchUID, Commands: []Command{
			n("nsrun", "user,pid,mount,uts,ipc,net=none", "--map-root-user"),
			{Label: "bwrap --unshare-all", Argv: all, Goal: 1},
			{Label: "unshare -Urmuinpf --mount-proc", Argv: words("unshare -Urmuinpf --mount-proc true")},
		}},
		{Name: "all six, first run ever (no cache, every plugin a cold process)", Commands: []Command{
			n("nsrun --no-cache", "user,pid,mount,uts,ipc,net=none", "--no-cache"), runc,
		}},
		{Name: "pid,net,mount with a CNI bridge", Commands: []Command{
			n("nsrun", "pid,net,mount"),
			n("nsrun without net", "pid,mount"),
		}},
	}
}

func words(s string) []string { return strings.Fields(s) }

// runcBundle makes an OCI bundle that runs true on the host's own files.
func runcBundle(dir string) (string, error) {
	bundle := filepath.Join(dir, "bundle")
	if err := os.MkdirAll(bundle, 0o755); err != nil {
		return "", err
	}
	spec := exec.Command("runc", "spec")
	spec.Dir = bundle
	if out, err := spec.CombinedOutput(); err != nil {
		return "", fmt.Errorf("runc spec: %w\n%s", err, out)
	}
	name := filepath.Join(bundle, "config.json")
	text, err := os.ReadFile(name)
	if err != nil {
		return "", err
	}
	r := strings.NewReplacer(`"terminal": true`, `"terminal": false`, `"sh"`, `"true"`, `"path": "rootfs"`, `"path": "/"`)
	return bundle, os.WriteFile(name, []byte(r.Replace(string(text))), 0o644)
}

// machineFacts says where the figures come from.
func machineFacts() map[string]string {
	facts := map[string]string{"cpus": fmt.Sprint(runtime.NumCPU()), "go": runtime.Version()}
	for name, argv := range map[string]string{
		"kernel": "uname -r", "bwrap": "bwrap --version", "runc": "runc --version", "unshare": "unshare --version",
	} {
		out, err := exec.Command(words(argv)[0], words(argv)[1:]...).Output()
		if err == nil {
			facts[name], _, _ = strings.Cut(string(out), "\n")
		}
	}
	return facts
}
