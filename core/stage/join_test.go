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

// anotherNS returns a file that stands for a UTS namespace of nobody.
func anotherNS(t *testing.T) *os.File {
	t.Helper()
	type result struct {
		file *os.File
		err  error
	}
	made := make(chan result)
	go func() {
		runtime.LockOSThread() // and never unlock it: the thread ends with the goroutine
		if err := unix.Unshare(unix.CLONE_NEWUTS); err != nil {
			made <- result{nil, err}
			return
		}
		f, err := os.Open("/proc/thread-self/ns/uts")
		made <- result{f, err}
	}()
	r := <-made
	if errors.Is(r.err, unix.EPERM) && os.Getenv("NSRUN_TEST_MUST_WORK") != "1" {
		t.Skip("joining a namespace needs root")
	}
	if r.err != nil {
		t.Fatal(r.err)
	}
	t.Cleanup(func() { r.file.Close() })
	return r.file
}

func TestJoiningIsForTheCloneAlone(t *testing.T) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	file, home := anotherNS(t), threadNS(t)
	join := Join{ns.PlannedJoin{Plugin: "join", Join: ns.Join{Kind: ns.UTS, Source: "/run/uts"}}, file}
	failed := errors.New("clone failed")
	inside := ""
	err := within([]Join{join}, func() error { inside = threadNS(t); return failed })
	if err != failed {
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
