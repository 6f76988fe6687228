// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
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

// runcBundle makes an OCI bundle with nothing but a static true.
func runcBundle(dir string) (string, error) {
	bundle := filepath.Join(dir, "bundle")
	bin := filepath.Join(bundle, "rootfs", "bin")
	if err := os.MkdirAll(bin, 0o755); err != nil {
		return "", err
	}
	if out, err := exec.Command("cp", "/bin/busybox", filepath.Join(bin, "true")).CombinedOutput(); err != nil {
		return "", fmt.Errorf("copy busybox: %w\n%s", err, out)
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
	text, err = adapt(text)
	if err != nil {
		return "", err
	}
	return bundle, os.WriteFile(name, text, 0o644)
}

// adapt changes runc's own template: true, without a terminal, and without the
// cgroup mount that a hybrid hierarchy refuses.
func adapt(text []byte) ([]byte, error) {
	var spec map[string]any
	if err := json.Unmarshal(text, &spec); err != nil {
		return nil, err
	}
	process := spec["process"].(map[string]any)
	process["terminal"], process["args"] = false, []string{"true"}
	spec["mounts"] = slices.DeleteFunc(spec["mounts"].([]any), func(m any) bool { return m.(map[string]any)["type"] == "cgroup" })
	return json.Marshal(spec)
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
