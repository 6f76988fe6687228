// SPDX-License-Identifier: Apache-2.0

package stage

import (
	"errors"
	"os"
	"runtime"
	"strings"
	"testing"

	"github.com/nsrun/nsrun/ns"
	"golang.org/x/sys/unix"
)

// threadNS names the calling thread's UTS namespace.
func threadNS(t *testing.T) string {
	t.Helper()
	link, err := os.Readlink("/proc/thread-self/ns/uts")
	if err != nil {
		t.Fatal(err)
	}
	return link
}

// anotherNS returns a file that stands for a UTS namespace of nobody. The thread
// comes back from it: the first one never ends, and is what /proc/self shows.
func anotherNS(t *testing.T) *os.File {
	t.Helper()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	home := openUTS(t)
	err := unix.Unshare(unix.CLONE_NEWUTS)
	if errors.Is(err, unix.EPERM) && os.Getenv("NSRUN_TEST_MUST_WORK") != "1" {
		t.Skip("joining a namespace needs root")
	}
	if err != nil {
		t.Fatal(err)
	}
	another := openUTS(t)
	if err := unix.Setns(int(home.Fd()), unix.CLONE_NEWUTS); err != nil {
		t.Fatal(err)
	}
	return another
}

// openUTS opens the UTS namespace of this thread.
func openUTS(t *testing.T) *os.File {
	t.Helper()
	f, err := os.Open("/proc/thread-self/ns/uts")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

func TestJoiningIsForTheCloneAlone(t *testing.T) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	file, home := anotherNS(t), threadNS(t)
	join := Join{ns.PlannedJoin{Plugin: "join", Join: ns.Join{Kind: ns.UTS, Source: "/run/uts"}}, file}
	failed := errors.New("clone failed")
	inside := ""
	err := within([]Join{join}, func() error { inside = threadNS(t); return failed })
	if !errors.Is(err, failed) {
		t.Errorf("got %v", err)
	}
	if inside == home || !strings.HasPrefix(inside, "uts:") {
		t.Errorf("the child would begin in %s, and home is %s", inside, home)
	}
	if now := threadNS(t); now != home {
		t.Errorf("left in %s instead of %s", now, home)
	}
}

func TestRefusedJoinClonesNothing(t *testing.T) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	null, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	join := Join{ns.PlannedJoin{Plugin: "join", Join: ns.Join{Kind: ns.Net, Source: "/dev/null"}}, null}
	called := false
	err = within([]Join{join}, func() error { called = true; return nil })
	var d *ns.Diagnostic
	if !errors.As(err, &d) || d.Summary != "join the net namespace of /dev/null: invalid argument" || d.Plugin != "join" || called {
		t.Errorf("got %+v, called: %v", err, called)
	}
}
