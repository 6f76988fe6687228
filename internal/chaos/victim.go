// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// victim is a program that starts a sandbox, and dies.
type victim struct {
	name string
	ours bool
	// argv starts a run of the command, whose name among runs is id.
	argv func(id string, command ...string) []string
	// next is what a user would start next, for what the run left to go.
	next func(id string) []string
	user bool // as the ordinary user
	ways []way
}

// visitor is the ordinary user of scripts/private-host.
const visitor = 61000

// bundle is where runc's is.
const bundle = "/mnt/bundle"

// prepare gives the private host directories of its own for what is in memory, an uplink
// for pasta to copy, and a bundle for runc.
func prepare() error {
	script := `mount -t tmpfs tmpfs /tmp; mount -t tmpfs tmpfs /dev/shm
ip link add up0 type bridge && ip addr add 192.0.2.2/24 dev up0 && ip link set up0 up && ip route add default via 192.0.2.1
mknod /mnt/tun c 10 200 && chmod 666 /mnt/tun && mount --bind /mnt/tun /dev/net/tun
mkdir -p ` + bundle + `/rootfs/bin && cp /bin/busybox ` + bundle + `/rootfs/bin/sh && cd ` + bundle + ` && runc spec`
	if out, err := exec.Command("sh", "-ec", script).CombinedOutput(); err != nil {
		return fmt.Errorf("prepare the private host: %w\n%s", err, out)
	}
	return nil
}

// victims returns all, nsrun's first.
func victims() []victim {
	return []victim{
		ours("root net", false, "--plugins pid,net,mount -p 18099:80", treatments()),
		ours("root all", false, "--plugins user,pid,ipc,uts,net=native,mount -p 18098:80", treatments()),
		ours("rootless all", true, "--plugins user,pid,ipc,uts,net=pasta,mount", treatments()),
		// A network that has fewer addresses than a crowd has runs.
		ours("root pool", false, "--plugins pid,net=native,mount --subnet 10.98.0.0/26", []way{crowd{}}),
		ours("root warm", false, "--keep-warm 10m --plugins pid,net=native,mount", []way{soak{}}),
		mixture(
			ours("root bridge", false, "--plugins pid,net=native,mount", nil),
			ours("root cni", false, "--plugins pid,net,mount", nil),
			ours("root sandbox", false, "--profile sandbox --", nil),
			ours("rootless sandbox", true, "--profile sandbox --", nil),
		),
		bwrap(), runc(),
	}
}

// treatments are the ways to treat a run of nsrun.
func treatments() []way {
	return slices.Concat(deaths(), doubles(), []way{relapse{}, soak{}}, sweeps())
}

// ours is nsrun with flags.
func ours(name string, user bool, flags string, ways []way) victim {
	argv := func(_ string, command ...string) []string {
		return slices.Concat(words("nsrun"), words(flags), command)
	}
	return victim{name: "nsrun, " + name, ours: true, user: user, argv: argv, ways: ways,
		next: func(id string) []string { return argv(id, "true") }}
}

// mixture is some kinds of nsrun's runs on one host, which rest there.
func mixture(kinds ...victim) victim {
	v := kinds[0]
	v.name, v.ways = "nsrun, all kinds", []way{rest{kinds}}
	return v
}

// bwrap's and runc's other processes aren't known: one way is to kill what is started.
func bwrap() victim {
	argv := func(_ string, command ...string) []string {
		return append(words("bwrap --die-with-parent --unshare-all --dev-bind / / --proc /proc"), command...)
	}
	return victim{name: "bwrap --die-with-parent", argv: argv, ways: deaths()[:1], next: func(id string) []string { return argv(id, "true") }}
}

// runc has a command to clean up with, which is what its user would type next.
func runc() victim {
	return victim{name: "runc run", ways: deaths()[:1],
		argv: func(id string, command ...string) []string {
			if err := writeSpec(command); err != nil {
				panic(err) // a file that has just been read
			}
			return []string{"runc", "run", "-b", bundle, id}
		},
		next: func(id string) []string { return []string{"runc", "delete", "-f", id} },
	}
}

// writeSpec has the bundle execute command, without a terminal, and without the
// cgroup mount that a hybrid hierarchy refuses.
func writeSpec(command []string) error {
	name := filepath.Join(bundle, "config.json")
	text, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	var spec map[string]any
	if err := json.Unmarshal(text, &spec); err != nil {
		return err
	}
	process := spec["process"].(map[string]any)
	process["terminal"], process["args"] = false, []string{"sh", "-c", strings.Join(command, " ")}
	spec["mounts"] = slices.DeleteFunc(spec["mounts"].([]any), func(m any) bool { return m.(map[string]any)["type"] == "cgroup" })
	if text, err = json.Marshal(spec); err != nil {
		return err
	}
	return os.WriteFile(name, text, 0o644)
}

// command returns a process of the victim's user, in a process group of its own.
func (v victim) command(argv []string) *exec.Cmd {
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Dir = "/"
	if v.user {
		cmd.Env = append(os.Environ(), "HOME=/mnt/home", "XDG_RUNTIME_DIR=/mnt/xdg", "USER=visitor", "LOGNAME=visitor")
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: visitor, Gid: visitor}
	}
	return cmd
}

func words(s string) []string { return strings.Fields(s) }
