// SPDX-License-Identifier: Apache-2.0

package nettest

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// Host is a fresh network namespace that plays the host for one test. The test's
// goroutine is in it, and so are the processes that it starts.
type Host struct {
	// T is the test, Path the namespace as a file.
	T     *testing.T
	Path  string
	boxes int
}

// Need skips the test if err says why it can't work here. Where every test must
// work (NSRUN_TEST_MUST_WORK=1) the test fails instead.
func Need(t *testing.T, err error) {
	t.Helper()
	switch {
	case err == nil:
	case os.Getenv("NSRUN_TEST_MUST_WORK") == "1":
		t.Fatal(err)
	default:
		t.Skip(err)
	}
}

// FilterBridges says whether frames on a bridge pass the IP rules of the host, "1" or
// "0": where br_netfilter is loaded, as Docker does, they do.
func (h *Host) FilterBridges(value string) {
	h.T.Helper()
	const file = "/proc/sys/net/bridge/bridge-nf-call-iptables"
	err := os.WriteFile(file, []byte(value), 0)
	if errors.Is(err, fs.ErrNotExist) && value == "1" {
		h.T.Skip("br_netfilter is not loaded")
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		h.T.Fatal(err)
	}
}

// NewHost makes a host, or skips the test where there can be none.
func NewHost(t *testing.T) *Host {
	t.Helper()
	if why := os.Getenv(envPrivate); why != "yes" {
		Need(t, fmt.Errorf("no private host: %s", why))
	}
	// Never unlocked: the thread ends with the test, and the namespace with it.
	runtime.LockOSThread()
	must(t, unix.Unshare(unix.CLONE_NEWNET))
	h := &Host{T: t, Path: fmt.Sprintf("/proc/%d/task/%d/ns/net", os.Getpid(), unix.Gettid())}
	h.Run("ip", "link", "set", "lo", "up")
	t.Cleanup(func() {
		os.RemoveAll("/run/nsrun")
		os.RemoveAll("/var/lib/cni/networks")
	})
	return h
}

// Run runs a command on the host and returns what it printed.
func (h *Host) Run(name string, args ...string) string {
	h.T.Helper()
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		h.T.Fatalf("%s %s: %v: %s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
