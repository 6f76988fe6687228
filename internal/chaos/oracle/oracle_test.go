// SPDX-License-Identifier: Apache-2.0

package oracle

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

const insideEnv = "ORACLE_INSIDE"

// TestMain runs the tests in a private host.
func TestMain(m *testing.M) {
	if os.Getenv(insideEnv) != "" || os.Getuid() != 0 {
		os.Exit(m.Run())
	}
	self, err := os.Executable()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	cmd := exec.Command("../../../scripts/private-host", append([]string{self}, os.Args[1:]...)...)
	cmd.Env = append(os.Environ(), insideEnv+"=1")
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	var exit *exec.ExitError
	if err := cmd.Run(); errors.As(err, &exit) {
		os.Exit(exit.ExitCode())
	} else if err != nil {
		fmt.Fprintln(os.Stderr, "start the private host:", err)
		os.Exit(1)
	}
}

// requireHost skips a test outside of a private host, which only root can make.
func requireHost(t *testing.T) {
	t.Helper()
	if os.Getenv(insideEnv) != "" {
		return
	}
	if os.Getenv("NSRUN_TEST_MUST_WORK") == "1" {
		t.Fatal("a private host needs root")
	}
	t.Skip("a private host needs root")
}

// plant is a leak: how to make it, which returns how to end it, and what the
// oracle must say.
type plant struct {
	name string
	make func(t *testing.T) (undo func())
	want Thing // the text is a part of what is told
}

var plants = []plant{
	{"a process", plantProcess("sleep", "7321"), Thing{Process, "(sleep) sleep 7321"}},
	{"a zombie", plantZombie, Thing{Process, "(true) zombie"}},
	{"a mount", plantMount, Thing{Mount, "tmpfs leak / /mnt/leak"}},
	{"a veth pair", plantCommands("ip link add leak0 type veth peer name leak1", "ip link del leak0"), Thing{Link, "leak0"}},
	{"an address", plantCommands("ip addr add 192.0.2.7/32 dev lo", "ip addr del 192.0.2.7/32 dev lo"), Thing{Address, "lo 192.0.2.7/32"}},
	{"a route", plantCommands("ip route add 198.51.100.0/24 dev lo", "ip route del 198.51.100.0/24"), Thing{Route, "198.51.100.0/255.255.255.0 via 0.0.0.0 dev lo"}},
	{"a named network namespace", plantCommands("ip netns add leak", "ip netns del leak"), Thing{Mount, "/run/netns/leak"}},
	{"an nftables rule", plantCommands("nft add table ip leak && nft add chain ip leak c && nft add rule ip leak c ip saddr 192.0.2.9 counter accept", "nft delete table ip leak"),
		Thing{NFT, "table ip leak/chain c: ip saddr 192.0.2.9 counter accept"}},
	{"a rule of the older iptables", plantCommands("iptables-legacy -t filter -A OUTPUT -d 192.0.2.8 -j DROP", "iptables-legacy -t filter -D OUTPUT -d 192.0.2.8 -j DROP"), Thing{Iptables, "192.0.2.8"}},
	{"a socket in the file system", plantListener("unix", "/run/leak.sock"), Thing{Socket, "unix /run/leak.sock"}},
	{"an abstract socket", plantListener("unix", "@leak"), Thing{Socket, "unix @leak"}},
	{"a TCP port", plantListener("tcp", "127.0.0.1:18123"), Thing{Socket, "tcp 0100007F:18123"}},
	{"a lease", plantFile("/run/nsrun/cni/leak/10.0.0.2"), Thing{File, "/run/nsrun/cni/leak/10.0.0.2"}},
	{"a temporary directory", plantDir("/mnt/leaks/nsrun-123"), Thing{File, "/mnt/leaks/nsrun-123"}},
	{"a control group", plantCgroup, Thing{Cgroup, cgroupName}},
	{"a descriptor", plantDescriptor, Thing{FD, "/dev/null"}},
	{"shared memory of System V", plantSegment, Thing{IPC, "shm "}},
	{"a message queue", plantQueue, Thing{Queue, "leak"}},
	{"a host name", plantHostname, Thing{Name, "kernel/hostname=leak"}},
}

var cgroupName = fmt.Sprintf("oracle-test-%d", os.Getppid())

// TestOracleNamesEachPlantedLeak plants one leak after the other: the oracle must
// name it, and must be content when it is gone.
func TestOracleNamesEachPlantedLeak(t *testing.T) {
	requireHost(t)
	// Both leave something by themselves, once.
	shell(t, "ip netns add first && ip netns del first; iptables-legacy -t filter -L >/dev/null")
	scope := Scope{
		Dirs: []string{"/run", "/mnt/leaks"}, Cgroups: cgroupName,
	}
	for _, p := range plants {
		t.Run(p.name, func(t *testing.T) {
			before := taken(t, scope)
			undo := p.make(t)
			found := false
			leaks := taken(t, scope).Since(before)
			glance, err := Glance(scope)
			must(t, err)
			for _, leak := range glance.Since(before) {
				if !slices.Contains(leaks, leak) {
					t.Errorf("only at a glance: %q", leak)
				}
			}
			for _, leak := range leaks {
				found = found || leak.Class == p.want.Class && strings.Contains(leak.Text, p.want.Text)
			}
			if !found {
				t.Errorf("told %q, want %q", leaks, p.want)
			}
			undo()
			wantNoChange(t, scope, before)
		})
	}
}

// TestSharedFilesDontCount has a file that runs have in common.
func TestSharedFilesDontCount(t *testing.T) {
	requireHost(t)
	scope := Scope{Dirs: []string{"/run"}, Shared: func(path string) bool { return path == "/run/cache" }}
	before := taken(t, scope)
	defer plantFile("/run/cache/a/b")(t)()
	wantNoChange(t, scope, before)
}

func taken(t *testing.T, s Scope) Snapshot {
	t.Helper()
	snap, err := Take(s)
	if err != nil {
		t.Fatal(err)
	}
	return snap
}

// wantNoChange waits until the host is as it was: a link goes some time after
// the command that removes it.
func wantNoChange(t *testing.T, s Scope, before Snapshot) {
	t.Helper()
	var changes []string
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if changes = taken(t, s).Changes(before); len(changes) == 0 {
			return
		}
	}
	t.Errorf("not as before:\n%s", strings.Join(changes, "\n"))
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func plantProcess(argv ...string) func(*testing.T) func() {
	return func(t *testing.T) func() {
		cmd := exec.Command(argv[0], argv[1:]...)
		must(t, cmd.Start())
		return func() { cmd.Process.Kill(); cmd.Wait() }
	}
}

func plantZombie(t *testing.T) func() {
	cmd := exec.Command("true")
	must(t, cmd.Start())
	var info unix.Siginfo
	must(t, unix.Waitid(unix.P_PID, cmd.Process.Pid, &info, unix.WEXITED|unix.WNOWAIT, nil))
	return func() { cmd.Wait() }
}

func plantMount(t *testing.T) func() {
	must(t, os.MkdirAll("/mnt/leak", 0o755))
	must(t, syscall.Mount("leak", "/mnt/leak", "tmpfs", 0, ""))
	return func() { must(t, syscall.Unmount("/mnt/leak", 0)) }
}

func plantCommands(make, undo string) func(*testing.T) func() {
	return func(t *testing.T) func() {
		shell(t, make)
		return func() { shell(t, undo) }
	}
}

func shell(t *testing.T, script string) {
	t.Helper()
	if out, err := exec.Command("sh", "-ec", script).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", script, err, out)
	}
}

func plantListener(network, address string) func(*testing.T) func() {
	return func(t *testing.T) func() {
		l, err := net.Listen(network, address)
		must(t, err)
		return func() { l.Close() }
	}
}

func plantFile(path string) func(*testing.T) func() {
	return func(t *testing.T) func() {
		undo := plantDir(filepath.Dir(path))(t)
		must(t, os.WriteFile(path, nil, 0o600))
		return func() { must(t, os.Remove(path)); undo() }
	}
}

// plantDir makes a directory with those above it, and undoes only what it made.
func plantDir(path string) func(*testing.T) func() {
	return func(t *testing.T) func() {
		first := path
		for parent := filepath.Dir(first); ; parent = filepath.Dir(parent) {
			if _, err := os.Stat(parent); err == nil {
				break
			}
			first = parent
		}
		must(t, os.MkdirAll(path, 0o755))
		return func() { must(t, os.RemoveAll(first)) }
	}
}

func plantCgroup(t *testing.T) func() {
	for _, parent := range []string{"/sys/fs/cgroup/unified", "/sys/fs/cgroup"} {
		dir := filepath.Join(parent, cgroupName)
		if os.Mkdir(dir, 0o755) == nil {
			return func() { must(t, os.Remove(dir)) }
		}
	}
	t.Skip("no place for a control group")
	return nil
}

func plantDescriptor(t *testing.T) func() {
	f, err := os.Open("/dev/null")
	must(t, err)
	return func() { f.Close() }
}

func plantSegment(t *testing.T) func() {
	id, err := unix.SysvShmGet(unix.IPC_PRIVATE, 4096, 0o600)
	must(t, err)
	return func() {
		_, err := unix.SysvShmCtl(id, unix.IPC_RMID, nil)
		must(t, err)
	}
}

func plantQueue(t *testing.T) func() {
	name := []byte("leak\x00")
	fd, _, errno := unix.Syscall6(unix.SYS_MQ_OPEN, uintptr(unsafe.Pointer(&name[0])), unix.O_CREAT|unix.O_RDWR, 0o600, 0, 0, 0)
	if errno != 0 {
		t.Fatal(errno)
	}
	unix.Close(int(fd))
	return func() {
		if _, _, errno := unix.Syscall(unix.SYS_MQ_UNLINK, uintptr(unsafe.Pointer(&name[0])), 0, 0); errno != 0 {
			t.Error(errno)
		}
	}
}

func plantHostname(t *testing.T) func() {
	old, err := os.Hostname()
	must(t, err)
	must(t, unix.Sethostname([]byte("leak")))
	return func() { must(t, unix.Sethostname([]byte(old))) }
}
