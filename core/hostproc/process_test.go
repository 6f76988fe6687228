// SPDX-License-Identifier: Apache-2.0

package hostproc

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/nsrun/nsrun/core/find"
	"github.com/nsrun/nsrun/ns"
)

// These tests run the real nsrun-host with real plugins: the uts plugin, which
// is built on the SDK, and badplugin, which isn't.

// envFront makes the test binary an nsrun to be killed. Its value is the
// directory of the binaries, and of the sockets.
const envFront = "NSRUN_HOSTPROC_TEST_FRONT"

func TestMain(m *testing.M) {
	if dir := os.Getenv(envFront); dir != "" {
		front(dir)
		return
	}
	os.Exit(m.Run())
}

// plugins are those of the tests. bad-daemon has started processes of its own.
var plugins = []string{"uts", "bad-good", "bad-deaf", "bad-daemon"}

// front starts plugins, says so, and waits to be killed.
func front(dir string) {
	c, err := start(filepath.Join(dir, "nsrun-host"), Options{Dir: dir})
	if err == nil {
		err = ready(c, dir, plugins)
	}
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("started")
	select {}
}

// ready starts the named plugins.
func ready(c *Client, dir string, names []string) error {
	errs := make([]error, len(names))
	var calls sync.WaitGroup
	for i, name := range names {
		calls.Go(func() {
			p, err := find.Find(filepath.Join(dir, ns.BinaryPrefix+name), find.Dirs{UID: os.Geteuid()})
			if err == nil {
				_, err = c.Describe(context.Background(), p)
			}
			errs[i] = err
		})
	}
	calls.Wait()
	return errors.Join(errs...)
}

// binaries builds nsrun-host and the plugins, and returns their directory. At the
// end of the test nothing that was started from it may run.
func binaries(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o755); err != nil { // whatever the umask
		t.Fatal(err)
	}
	for name, pkg := range map[string]string{
		"nsrun-host":       "cmd/nsrun-host",
		"nsrun-plugin-uts": "plugins/uts",
		"badplugin":        "internal/badplugin",
	} {
		build := exec.Command("go", "build", "-ldflags=-s -w", "-o", filepath.Join(dir, name), "github.com/nsrun/nsrun/"+pkg)
		build.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := build.CombinedOutput(); err != nil {
			t.Fatalf("build %s: %v\n%s", pkg, err, out)
		}
	}
	for _, name := range plugins[1:] {
		if err := os.Symlink("badplugin", filepath.Join(dir, ns.BinaryPrefix+name)); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() { wantNone(t, dir) })
	return dir
}

// wantNone waits until no process runs that was started from dir, or by one.
func wantNone(t *testing.T, dir string) {
	t.Helper()
	for end := time.Now().Add(5 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		pids := running(dir)
		if len(pids) == 0 {
			return
		}
		if time.Now().After(end) {
			t.Errorf("processes %v are left", pids)
			return
		}
	}
}

// running returns the processes whose command line or environment names dir:
// nsrun-host by its path, plugins and what they start by their socket directory.
func running(dir string) []int {
	entries, _ := os.ReadDir("/proc")
	var pids []int
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil || pid == os.Getpid() {
			continue
		}
		environ, _ := os.ReadFile(filepath.Join("/proc", e.Name(), "environ"))
		args, _ := os.ReadFile(filepath.Join("/proc", e.Name(), "cmdline"))
		if bytes.Contains(environ, []byte(dir)) || bytes.Contains(args, []byte(dir)) {
			pids = append(pids, pid)
		}
	}
	return pids
}

// sockets returns how many socket directories there are below dir.
func sockets(dir string) int {
	entries, _ := os.ReadDir(filepath.Join(dir, "p"))
	return len(entries)
}

func TestProcess(t *testing.T) {
	dir := binaries(t)
	t.Run("close stops host and plugins", func(t *testing.T) { closes(t, dir) })
	t.Run("host killed", func(t *testing.T) { hostKilled(t, dir) })
	t.Run("front killed", func(t *testing.T) { frontKilled(t, dir) })
	t.Run("nothing dumps core or leaks", func(t *testing.T) { hardened(t, dir) })
}

func started(t *testing.T, dir string, names ...string) *Client {
	t.Helper()
	c, err := start(filepath.Join(dir, "nsrun-host"), Options{Dir: dir})
	if err == nil {
		err = ready(c, dir, names)
	}
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func closes(t *testing.T, dir string) {
	c := started(t, dir, plugins...)
	if n := len(running(dir)); n < 1+len(plugins) {
		t.Errorf("%d processes run, want the host and %d plugins", n, len(plugins))
	}
	c.Close()
	wantNone(t, dir)
	if n := sockets(dir); n != 0 {
		t.Errorf("%d socket directories are left", n)
	}
	if _, err := c.Describe(context.Background(), plugin); err == nil {
		t.Error("a closed client makes calls")
	}
}

// hostKilled leaves out bad-daemon: the kernel kills the plugins then, and there
// is nobody who would kill what they have started.
func hostKilled(t *testing.T, dir string) {
	c := started(t, dir, "uts", "bad-good", "bad-deaf")
	defer c.Close()
	if err := syscall.Kill(hostOf(t, dir), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	wantNone(t, dir)
	_, err := c.Describe(context.Background(), plugin)
	if err == nil || !strings.Contains(err.Error(), "the plugin host is gone") {
		t.Errorf("error is %v", err)
	}
	// The next host removes what the killed one left.
	started(t, dir, "uts").Close()
	wantNone(t, dir)
	if n := sockets(dir); n != 0 {
		t.Errorf("%d socket directories are left", n)
	}
}

// hostOf returns the pid of nsrun-host.
func hostOf(t *testing.T, dir string) int {
	t.Helper()
	for _, pid := range running(dir) {
		args, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
		if bytes.HasPrefix(args, []byte(filepath.Join(dir, "nsrun-host")+"\x00")) {
			return pid
		}
	}
	t.Fatal("no nsrun-host runs")
	return 0
}

func frontKilled(t *testing.T, dir string) {
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), envFront+"="+dir)
	cmd.Stderr = os.Stderr
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if line, _ := bufio.NewReader(stdout).ReadString('\n'); line != "started\n" {
		t.Errorf("front says %q", line)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	wantNone(t, dir)
}

// hardened looks at what the plugins have inherited.
func hardened(t *testing.T, dir string) {
	c := started(t, dir, "uts", "bad-good", "bad-deaf")
	defer c.Close()
	host := hostOf(t, dir)
	owner := map[string]int{}
	for _, pid := range running(dir) {
		proc := fmt.Sprintf("/proc/%d/", pid)
		status, _ := os.ReadFile(proc + "status")
		limits, _ := os.ReadFile(proc + "limits")
		cwd, _ := os.Readlink(proc + "cwd")
		if !bytes.Contains(status, []byte("Umask:\t0077")) || !bytes.Contains(limits, []byte("Max core file size        0                    0 ")) || cwd != "/" {
			t.Errorf("process %d: cwd %s, %.60q, limits\n%s", pid, cwd, status, limits)
		}
		if pid != host {
			onlyItsOwn(t, pid, owner)
		}
	}
}

// onlyItsOwn checks that a plugin has no file, and no pipe that another plugin
// has as well; owner says which has one.
func onlyItsOwn(t *testing.T, pid int, owner map[string]int) {
	t.Helper()
	fds := fmt.Sprintf("/proc/%d/fd", pid)
	entries, err := os.ReadDir(fds)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		target, _ := os.Readlink(filepath.Join(fds, e.Name()))
		switch {
		case target == "/dev/null", strings.HasPrefix(target, "/sys/fs/cgroup/"): // the latter are the Go runtime's
		case e.Name() == "0", strings.HasPrefix(target, "/"):
			t.Errorf("descriptor %s of process %d is %s", e.Name(), pid, target)
		case strings.HasPrefix(target, "pipe:"), strings.HasPrefix(target, "socket:"):
			if other, ok := owner[target]; ok && other != pid {
				t.Errorf("processes %d and %d both have %s", pid, other, target)
			}
			owner[target] = pid
		}
	}
}
