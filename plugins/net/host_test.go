// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/nsrun/nsrun/ns"
)

// Tests that change a host's network run in a host of their own: this test binary
// once more, in new network, mount and PID namespaces. These variables tell it so.
const (
	envPrivate = "NSRUN_TEST_PRIVATE_HOST" // why there is none, or "yes"
	envBinDir  = "NSRUN_TEST_CNI_BIN_DIR"  // where the CNI plugins are
	envHelper  = "NSRUN_TEST_HELPER"       // the process is a helper of a test
)

func TestMain(m *testing.M) {
	if os.Getenv(envHelper) != "" {
		os.Exit(helper())
	}
	switch os.Getenv(envPrivate) {
	case "":
		os.Exit(runPrivately(m))
	case "yes":
		if err := furnish(); err != nil {
			fmt.Fprintln(os.Stderr, "private host:", err)
			os.Exit(1)
		}
	}
	os.Exit(m.Run())
}

// runPrivately builds the CNI plugins and runs all tests in a private host, or
// here if there can be none.
func runPrivately(m *testing.M) int {
	if os.Geteuid() != 0 {
		os.Setenv(envPrivate, "needs root")
		return m.Run()
	}
	dir, err := os.MkdirTemp("", "nsrun-cni-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	if out, err := exec.Command("../../scripts/build-cni", dir).CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build-cni: %v: %s\n", err, out)
		return 1
	}
	cmd := exec.Command(os.Args[0], os.Args[1:]...)
	cmd.Env = append(os.Environ(), envPrivate+"=yes", envBinDir+"="+dir)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWNET | syscall.CLONE_NEWNS | syscall.CLONE_NEWPID,
		Pdeathsig:  syscall.SIGKILL,
	}
	runtime.LockOSThread()
	err = cmd.Run()
	var exit *exec.ExitError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &exit):
		return exit.ExitCode()
	case errors.Is(err, unix.EPERM):
		os.Setenv(envPrivate, "no new namespaces here: "+err.Error())
		return m.Run()
	}
	fmt.Fprintln(os.Stderr, err)
	return 1
}

// furnish makes the private host's own /run and /proc.
func furnish() error {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("make / private: %w", err)
	}
	if err := unix.Mount("proc", "/proc", "proc", 0, ""); err != nil {
		return fmt.Errorf("mount /proc: %w", err)
	}
	if err := unix.Mount("sysfs", "/sys", "sysfs", 0, ""); err != nil {
		return fmt.Errorf("mount /sys: %w", err)
	}
	for _, dir := range []string{"/run", "/var/lib"} {
		if err := unix.Mount("tmpfs", dir, "tmpfs", 0, ""); err != nil {
			return fmt.Errorf("mount %s: %w", dir, err)
		}
	}
	return nil
}

// host is a fresh network namespace that plays the host for one test. The test's
// goroutine is in it, and so are the processes that it starts.
type host struct {
	t      *testing.T
	binDir string
	path   string // of the namespace
	boxes  int
}

// newHost makes a host, or skips the test where there can be none.
func newHost(t *testing.T) *host {
	t.Helper()
	if why := os.Getenv(envPrivate); why != "yes" {
		if os.Getenv("NSRUN_TEST_MUST_WORK") == "1" {
			t.Fatalf("no private host: %s", why)
		}
		t.Skipf("no private host: %s", why)
	}
	// Never unlocked: the thread ends with the test, and the namespace with it.
	runtime.LockOSThread()
	must(t, unix.Unshare(unix.CLONE_NEWNET))
	h := &host{t: t, binDir: os.Getenv(envBinDir), path: fmt.Sprintf("/proc/%d/task/%d/ns/net", os.Getpid(), unix.Gettid())}
	h.run("ip", "link", "set", "lo", "up")
	t.Cleanup(func() {
		os.RemoveAll(runDir)
		os.RemoveAll("/var/lib/cni/networks")
	})
	return h
}

// run runs a command on the host and returns what it printed.
func (h *host) run(name string, args ...string) string {
	h.t.Helper()
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		h.t.Fatalf("%s %s: %v: %s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}

// sandbox is a network namespace that plays a run's.
type sandbox struct {
	h    *host
	id   string
	path string
	req  *ns.HookRequest
}

// newSandbox makes a sandbox with a pinned namespace.
func (h *host) newSandbox() *sandbox {
	h.t.Helper()
	h.boxes++
	s := &sandbox{h: h, id: fmt.Sprintf("run%d-%s", h.boxes, strings.ToLower(strings.ReplaceAll(h.t.Name(), "/", "-")))}
	dir := h.t.TempDir()
	s.path = filepath.Join(dir, "netns")
	must(h.t, os.WriteFile(s.path, nil, 0o600))
	empty, done, err := emptyNamespace()
	must(h.t, err)
	must(h.t, unix.Mount(empty, s.path, "", unix.MS_BIND, ""))
	done()
	h.t.Cleanup(s.unpin)
	s.req = &ns.HookRequest{
		Point: ns.PreExec, Plugin: "net", RunID: s.id, RunName: s.id, StateDir: dir,
		Paths:   map[ns.Kind]string{ns.Net: s.path},
		Request: ns.Request{Plugin: "net", Owns: []ns.Kind{ns.Net}, Kinds: []ns.Kind{ns.Net}, Facts: ns.Facts{Dir: "/"}},
	}
	return s
}

// unpin lets the namespace go.
func (s *sandbox) unpin() { unix.Unmount(s.path, unix.MNT_DETACH) }

// pre calls PreExec and keeps its state for post.
func (s *sandbox) pre(n *network) (*ns.HookReply, error) {
	n.bundled = s.h.binDir
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	reply, err := n.PreExec(ctx, s.req)
	if err == nil {
		s.req.State = reply.State
	}
	return reply, err
}

// mustPre calls PreExec, which has to succeed, and returns the address.
func (s *sandbox) mustPre(n *network) string {
	s.h.t.Helper()
	reply, err := s.pre(n)
	if err != nil {
		s.h.t.Fatalf("pre-exec: %v", ns.Diagnose(err))
	}
	return reply.Results["address"]
}

// post calls PostExec.
func (s *sandbox) post(n *network) error {
	s.req.Point = ns.PostExec
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	return n.PostExec(ctx, s.req)
}

// mustPost calls PostExec, which has to succeed.
func (s *sandbox) mustPost(n *network) {
	s.h.t.Helper()
	if err := s.post(n); err != nil {
		s.h.t.Fatalf("post-exec: %v", ns.Diagnose(err))
	}
}

// in runs f on a thread that is in the network namespace at path. Sockets that f
// opens belong to that namespace wherever they are used later.
func in(path string, f func() error) error {
	result := make(chan error)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread is of no use any more
		fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
		if err == nil {
			err = unix.Setns(fd, unix.CLONE_NEWNET)
			unix.Close(fd)
		}
		if err == nil {
			err = f()
		}
		result <- err
	}()
	return <-result
}

// serve answers every TCP connection to port in the sandbox with the answer.
func (s *sandbox) serve(port int, answer string) {
	s.h.t.Helper()
	var l net.Listener
	must(s.h.t, in(s.path, func() (err error) {
		l, err = net.Listen("tcp4", fmt.Sprintf(":%d", port))
		return err
	}))
	s.h.t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			fmt.Fprint(conn, answer)
			conn.Close()
		}
	}()
}

// ask connects from the namespace at path and returns the answer.
func ask(path, address string) (string, error) {
	var conn net.Conn
	err := in(path, func() (err error) {
		conn, err = net.DialTimeout("tcp4", address, 5*time.Second)
		return err
	})
	if err != nil {
		return "", err
	}
	defer conn.Close()
	must := conn.SetDeadline(time.Now().Add(5 * time.Second))
	if must != nil {
		return "", must
	}
	var b bytes.Buffer
	_, err = b.ReadFrom(conn)
	return b.String(), err
}

// expect fails the test unless address answers as it should, asked from path.
func (h *host) expect(path, address, want string) {
	h.t.Helper()
	got, err := ask(path, address)
	if err != nil || got != want {
		h.t.Errorf("%s asked %s: got %q, %v; want %q", filepath.Base(filepath.Dir(path)), address, got, err, want)
	}
}

// varying are the parts of a snapshot that differ without anything being left.
var varying = regexp.MustCompile(`(?m)^ *[#:].*$|counter packets \d+ bytes \d+|qlen \d+|master \S+ |state \S+| linkdown|^\d+: | link/.*$|<.*>`)

// snapshot is all that a run could leave on the host. The tables and chains that
// the reference plugins share between runs are in it, and so is the bridge.
func (h *host) snapshot() string {
	h.t.Helper()
	var b strings.Builder
	fmt.Fprintln(&b, h.run("ip", "-o", "link"), h.run("ip", "-4", "-o", "route", "show", "table", "all"), h.run("ip", "-4", "-o", "addr"))
	fmt.Fprintln(&b, h.run("nft", "list", "ruleset"), h.run("iptables-save", "-t", "nat"), h.run("ip6tables-save", "-t", "nat"))
	for _, dir := range []string{runDir, "/var/lib/cni"} {
		filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err == nil && !d.IsDir() && !strings.HasPrefix(d.Name(), "last_reserved_ip") && d.Name() != "lock" {
				fmt.Fprintln(&b, path)
			}
			return nil
		})
	}
	return strings.Join(slices.DeleteFunc(strings.Split(varying.ReplaceAllString(b.String(), ""), "\n"), func(line string) bool { return strings.TrimSpace(line) == "" }), "\n")
}

// lacks fails the test if the host's snapshot mentions one of the words, which
// are regular expressions.
func (h *host) lacks(words ...string) {
	h.t.Helper()
	snapshot := h.snapshot()
	for _, w := range words {
		if regexp.MustCompile(`\b(` + w + `)\b`).MatchString(snapshot) {
			h.t.Errorf("%q is left on the host:\n%s", w, snapshot)
		}
	}
}

// helper is what a helper process does: it attaches a sandbox, as told on stdin.
func helper() int {
	var told struct {
		Network network
		Request ns.HookRequest
	}
	if err := json.NewDecoder(os.Stdin).Decode(&told); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	if _, err := told.Network.PreExec(context.Background(), &told.Request); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
