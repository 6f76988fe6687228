// SPDX-License-Identifier: Apache-2.0

package conform

import (
	"bytes"
	"cmp"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// left returns the pids of processes that have the plugin's environment: the
// plugin and what it started, wherever they moved.
func (p *process) left() []int {
	return slices.DeleteFunc(processesWith("environ", "PLUGIN_UNIX_SOCKET_DIR="+p.sockets), isZombie)
}

// processesWith returns the pids of processes of which a file in proc(5), such as
// "environ", has the mark in it.
func processesWith(file, mark string) []int {
	var pids []int
	entries, _ := os.ReadDir("/proc")
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		if text, _ := os.ReadFile(filepath.Join("/proc", e.Name(), file)); strings.Contains(string(text), mark) {
			pids = append(pids, pid)
		}
	}
	return pids
}

// outlasting returns the processes that are still among those that pids returns once
// they had the time to end.
func outlasting(patience time.Duration, pids func() []int) []int {
	for end := time.Now().Add(patience); time.Now().Before(end) && len(pids()) > 0; {
		time.Sleep(10 * time.Millisecond)
	}
	return pids()
}

func isZombie(pid int) bool {
	stat, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	return err != nil || bytes.Contains(stat, []byte(") Z "))
}

// abandoned returns processes that outlive the plugin, once they had the time to
// end.
func (p *process) abandoned() []string {
	var faults []string
	for _, pid := range outlasting(p.limits.End, p.left) {
		cmdline, _ := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "cmdline"))
		faults = append(faults, "process "+strconv.Itoa(pid)+" is left: "+strings.ReplaceAll(string(cmdline), "\x00", " "))
	}
	return faults
}

// files returns what the open descriptors of the plugin's process lead to, in
// the order of their numbers.
func (p *process) files() []string {
	dir := filepath.Join("/proc", strconv.Itoa(p.cmd.Process.Pid), "fd")
	entries, _ := os.ReadDir(dir)
	slices.SortFunc(entries, func(a, b os.DirEntry) int {
		return cmp.Or(cmp.Compare(len(a.Name()), len(b.Name())), cmp.Compare(a.Name(), b.Name()))
	})
	var all []string
	for _, e := range entries {
		if path, err := os.Readlink(filepath.Join(dir, e.Name())); err == nil {
			all = append(all, path)
		}
	}
	return all
}

// litter returns the files that the plugin left in its directory for temporary
// files and beside its socket.
func (p *process) litter() []string {
	var faults []string
	for _, dir := range []string{p.temp, p.sockets} {
		entries, _ := os.ReadDir(dir)
		for _, e := range entries {
			if dir == p.temp || e.Type() != os.ModeSocket {
				faults = append(faults, "file is left: "+e.Name())
			}
		}
	}
	return faults
}

// traces lists what of this host a plugin could change: mounts, network
// interfaces, named network namespaces, sockets that listen, files where services
// keep them, and as root the packet filter.
func traces() []string {
	var all []string
	all = append(all, linesOf("mount ", "/proc/self/mountinfo", 4)...)
	all = append(all, listeners()...)
	for what, dir := range map[string]string{
		"interface ": "/sys/class/net", "network namespace ": "/run/netns", "file /run/": "/run", "file /dev/shm/": "/dev/shm",
	} {
		entries, _ := os.ReadDir(dir)
		for _, e := range entries {
			all = append(all, what+e.Name())
		}
	}
	return append(all, ruleset()...)
}

// linesOf returns a field of each line of a file.
func linesOf(what, path string, field int) []string {
	text, _ := os.ReadFile(path)
	var all []string
	for line := range strings.Lines(string(text)) {
		if fields := strings.Fields(line); len(fields) > field {
			all = append(all, what+fields[field])
		}
	}
	return all
}

// listeners returns the sockets that others can connect to; proc_net(5) has the
// columns, and in include/net/tcp_states.h 0A is LISTEN, which of a datagram
// socket is 07.
func listeners() []string {
	var all []string
	for name, state := range map[string]string{"tcp": "0A", "tcp6": "0A", "udp": "07", "udp6": "07"} {
		text, _ := os.ReadFile("/proc/self/net/" + name)
		for line := range strings.Lines(string(text)) {
			if f := strings.Fields(line); len(f) > 3 && f[3] == state {
				all = append(all, "socket "+name+" "+f[1])
			}
		}
	}
	text, _ := os.ReadFile("/proc/self/net/unix")
	for line := range strings.Lines(string(text)) {
		if f := strings.Fields(line); len(f) > 7 && f[3] == acceptsConnections && !ofPlugins.MatchString(f[7]) {
			all = append(all, "socket unix "+f[7])
		}
	}
	return all
}

// ofPlugins matches the sockets of plugins that are checked or run beside this one,
// and of their hosts: they come and go, and litter looks for this plugin's own.
var ofPlugins = regexp.MustCompile(`/nsp-|/nsrun/|/nsrun-|/plugin\d+$`)

// acceptsConnections are the flags of a unix socket that listens: __SO_ACCEPTCON.
const acceptsConnections = "00010000"

// ruleset returns the rules of nftables without what counts; nft(8).
func ruleset() []string {
	if os.Geteuid() != 0 {
		return nil
	}
	out, err := exec.Command("nft", "-s", "list", "ruleset").Output()
	if err != nil {
		return nil // there is no nft, or no nftables in the kernel
	}
	var rules []string
	for line := range strings.Lines(string(out)) {
		rules = append(rules, "rule "+strings.TrimSpace(line))
	}
	return rules
}

// changes returns what f added to the host. Others work on the host as well, so
// what doesn't appear twice in a row is theirs. Nor is that a leftover which is
// made once and serves all runs, as the tables of CNI's plugins do.
func changes(f func()) []string {
	var added []string
	for range 2 {
		before := traces()
		f()
		added = slices.DeleteFunc(traces(), func(s string) bool { return slices.Contains(before, s) })
		if len(added) == 0 {
			return nil
		}
	}
	for i := range added {
		added[i] = "left on the host: " + added[i]
	}
	return added
}
