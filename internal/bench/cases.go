// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"errors"
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

// userRuntimeDir is where pam_systemd(8) has it, in memory: the private host's own /run.
var userRuntimeDir = fmt.Sprintf("/run/user/%d", benchUID)

// place is where the benchmark has its files, and the binaries.
type place struct{ dir, bundle, nsrun, cni, self string }

// prepare makes the files that the cases need, and returns what removes them.
func prepare(bin string) (p place, cleanUp func(), err error) {
	p.nsrun, p.cni = filepath.Join(bin, "nsrun"), filepath.Join(bin, "cni")
	if p.self, err = os.Executable(); err != nil {
		return p, nil, err
	}
	if p.dir, err = os.MkdirTemp("", "nsrun-bench-"); err != nil {
		return p, nil, err
	}
	cleanUp = func() { os.RemoveAll(p.dir); os.RemoveAll(userRuntimeDir) }
	if p.bundle, err = runcBundle(p.dir); err == nil {
		err = errors.Join(userDirs(p.dir), writeConflist(p.dir), p.makeRoot(), p.adaptHost(), p.readAnew())
	}
	if err != nil {
		cleanUp()
		return p, nil, err
	}
	return p, cleanUp, nil
}

func userDirs(dir string) error {
	if err := os.Chmod(dir, 0o755); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(userRuntimeDir), 0o755); err != nil {
		return err
	}
	if err := os.Mkdir(userRuntimeDir, 0o700); err != nil {
		return err
	}
	return os.Chown(userRuntimeDir, benchUID, benchUID)
}

// under is a command line of nsrun: a job with these plugins and flags.
func (p place) under(plugins string, flags []string, job ...string) []string {
	return slices.Concat([]string{p.nsrun, "--plugins", plugins}, flags, job)
}

// start is a run of nsrun that does nothing.
func (p place) start(label, plugins string, flags ...string) Command {
	return Command{Label: label, Argv: p.under(plugins, flags, "true")}
}

// inBatch returns the command run n times, so many at a time.
func (p place) inBatch(c Command, n, atATime int) Command {
	c.Argv = append([]string{p.self, "batch", fmt.Sprint(n), fmt.Sprint(atATime)}, c.Argv...)
	return c
}

const (
	four     = "pid,mount,uts,ipc"
	six      = "user,pid,mount,uts,ipc,net=none"
	bwrapFor = "bwrap --dev-bind / / --proc /proc --unshare-pid --unshare-uts --unshare-ipc"
	bwrapAll = "bwrap --dev-bind / / --proc /proc --unshare-all"
)

// cases is the table of the benchmark.
func (p place) cases() []Case {
	return slices.Concat(p.starts(), p.networks(), p.parallel(), p.atRest(), p.large(), p.speed())
}

// starts are single runs, one after the other.
func (p place) starts() []Case {
	runc := Command{Label: "runc run", Argv: []string{"runc", "run", "-b", p.bundle, "nsrun-bench"}}
	peer := Command{Label: "bwrap, same namespaces and mounts", Argv: words(bwrapFor + " true"), Goal: 1}
	userPeers := []Command{
		{Label: "bwrap --unshare-all", Argv: words(bwrapAll + " true"), Goal: 1},
		{Label: "unshare -Urmuinpf --mount-proc", Argv: words("unshare -Urmuinpf --mount-proc true")},
	}
	warm := p.start("nsrun --keep-warm", six, "--map-root-user", "--keep-warm=20s")
	cold := runc
	cold.Goal = 1
	return []Case{
		{Name: four + " as root, repeated", Commands: []Command{
			p.start("nsrun", four), peer, {Label: "unshare -muipf --mount-proc", Argv: words("unshare -muipf --mount-proc true")}, runc, p.floor(),
		}},
		{Name: six + " as an ordinary user, repeated, --keep-warm", UID: benchUID, Commands: append([]Command{warm}, userPeers...)},
		{Name: six + " as an ordinary user, repeated", UID: benchUID, Commands: append([]Command{p.start("nsrun", six, "--map-root-user")}, userPeers...)},
		{Name: "all six, first run ever (no cache, each plugin a cold process)", Commands: []Command{
			p.start("nsrun --no-cache", six, "--no-cache"), cold,
		}},
	}
}

// floor is the same run by a Go program that has the steps in its source: what is left of
// nsrun without plugins, cache, command line and journal.
func (p place) floor() Command {
	return Command{Label: "the steps alone, in Go", Argv: []string{filepath.Join(filepath.Dir(p.nsrun), "test", "front"), "true"}}
}

// parallel are runs beside each other.
func (p place) parallel() (cases []Case) {
	const n = 48
	for _, atATime := range []int{2, 8} {
		cases = append(cases, Case{Name: fmt.Sprintf("%d runs of %s, %d at a time", n, four, atATime), Rounds: 10, Commands: []Command{
			p.inBatch(p.start("nsrun", four), n, atATime),
			p.inBatch(Command{Label: "bwrap", Argv: words(bwrapFor + " true"), Goal: 1}, n, atATime),
		}})
	}
	return cases
}

// atRest is what a sandbox costs while nothing happens.
func (p place) atRest() []Case {
	sleeper := Command{Label: "nsrun", Argv: p.under(four, nil, "sleep", "60")}
	return []Case{
		{Name: "memory kept for one sandbox at rest", Rounds: 9, Unit: "MB", Value: keptMemory, Commands: []Command{
			sleeper, {Label: "bwrap", Argv: words(bwrapFor + " sleep 60")},
		}},
		{Name: "one run beside 500 sandboxes that are alive", Setup: alive(500, p.under(four, nil, "sleep", "600")), Rounds: 15, Commands: []Command{
			p.start("nsrun", four), {Label: "bwrap", Argv: words(bwrapFor + " true")},
		}},
	}
}

// large is a run with very many mounts.
func (p place) large() []Case {
	peer := append(words(bwrapFor), append(binds(1000, "--bind"), "true")...)
	return []Case{{Name: "1,000 binds", Rounds: 5, Commands: []Command{
		p.start("nsrun", four, binds(1000, "--bind")...), {Label: "bwrap", Argv: peer},
		p.start("nsrun with 10 binds", four, binds(10, "--bind")...),
	}}}
}

// speed is what the command does inside, beside the same outside.
func (p place) speed() []Case {
	job := []string{"sh", "-c", "head -c 400M /dev/zero | sha256sum >/dev/null; dd if=/dev/zero of=$0 bs=1M count=200 2>/dev/null; rm $0", filepath.Join(p.dir, "file")}
	return []Case{
		{Name: "the command's speed: processor, pipe and file", Rounds: 7, Commands: []Command{
			{Label: "inside nsrun", Argv: p.under(four, nil, job...)}, {Label: "outside", Argv: job, Goal: 1},
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
	facts := map[string]string{"cpus": fmt.Sprint(runtime.NumCPU()), "go": runtime.Version(), "kernel": firstLine("uname", "-r")}
	for _, name := range peers {
		if line := firstLine(name, "--version"); line != "" {
			facts[name] = line
		}
	}
	return facts
}

// firstLine returns the first line of what a program prints; "" if it fails.
func firstLine(program string, args ...string) string {
	out, err := exec.Command(program, args...).Output()
	if err != nil {
		return ""
	}
	line, _, _ := strings.Cut(string(out), "\n")
	return line
}
