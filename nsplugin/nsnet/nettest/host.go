// SPDX-License-Identifier: Apache-2.0

package nettest

import (
	"fmt"
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

// NewHost makes a host, or skips the test where there can be none.
func NewHost(t *testing.T) *Host {
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
