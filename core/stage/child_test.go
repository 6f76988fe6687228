// SPDX-License-Identifier: Apache-2.0

package stage

import (
	"encoding/json"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/nsrun/nsrun/ns"
	"golang.org/x/sys/unix"
)

// A process that runs many children must end with what it began with.
func TestNothingIsLeftInTheFront(t *testing.T) {
	needRoot(t)
	done := make(chan bool)
	go func() {
		defer close(done)
		runtime.LockOSThread() // and never unlocked: the children's parent is this thread
		once(t, "true", nil)   // whatever is made once
		before := descriptors(t)
		for range 5 {
			once(t, "true", nil)
			once(t, "nosuch", unix.ENOENT)
		}
		if after := descriptors(t); after != before {
			t.Errorf("descriptors %s, before %s", after, before)
		}
	}()
	<-done
}

func once(t *testing.T, name string, want error) {
	child := loaded(t, Config{Kinds: []ns.Kind{ns.PID, ns.UTS}, Steps: plan(ns.Step{Op: ns.OpInit}), Command: Command{Argv: []string{name}}})
	if child == nil {
		return
	}
	if err := child.Release(); err != nil {
		if want == nil {
			t.Error(err)
		}
		return
	}
	if status, err := child.Wait(func() {}); status != 0 || err != nil || want != nil {
		t.Errorf("status %d, %v", status, err)
	}
}

// loaded returns a child that has its program, or nil if the test has failed. It is
// for threads of their own, where a test must not end.
func loaded(t *testing.T, cfg Config) *Child {
	prog, err := Compile(cfg)
	if err != nil {
		t.Error(err)
		return nil
	}
	child, err := Start(cfg.Kinds)
	if err != nil {
		t.Error(err)
		return nil
	}
	child.Load(prog)
	return child
}

func descriptors(t *testing.T) string {
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Error(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return strings.Join(names, " ")
}

// A run may be given up from elsewhere while its command runs.
func TestKill(t *testing.T) {
	needRoot(t)
	done := make(chan bool)
	go func() {
		defer close(done)
		runtime.LockOSThread()
		child := loaded(t, Config{Kinds: []ns.Kind{ns.PID}, Command: Command{Argv: []string{"/bin/sleep", "1000"}}})
		if child == nil {
			return
		}
		if err := child.Release(); err != nil {
			t.Error(err)
			return
		}
		timer := time.AfterFunc(10*time.Millisecond, child.Kill)
		defer timer.Stop()
		if status, err := child.Wait(func() {}); status != 128+int(unix.SIGKILL) || err != nil {
			t.Errorf("status %d, %v", status, err)
		}
		child.Kill() // too late, and harmless
	}()
	<-done
}

func TestAbandon(t *testing.T) {
	needRoot(t)
	done := make(chan bool)
	go func() {
		defer close(done)
		runtime.LockOSThread()
		before := descriptors(t)
		child, err := Start([]ns.Kind{ns.PID, ns.Net})
		if err != nil {
			t.Error(err)
			return
		}
		child.Abandon()
		if err := unix.Kill(child.PID(), 0); err != unix.ESRCH {
			t.Errorf("process %d is still there: %v", child.PID(), err)
		}
		if after := descriptors(t); after != before {
			t.Errorf("descriptors %s, before %s", after, before)
		}
	}()
	<-done
}

// Whatever a plugin sends, Compile answers with a program or with diagnostics.
func FuzzCompile(f *testing.F) {
	for _, steps := range [][]ns.PlannedStep{
		plan(private, proc, tmp, rootfs("/srv/root"), pivot),
		plan(bind("/usr", "/mnt", ns.ReadOnly), ns.Step{Op: ns.OpFile, Target: "/etc/hosts", Data: "x", IfExists: true}),
		plan(ns.Step{Op: ns.OpSysctl, Target: "net.a", Data: "1"}, ns.Step{Op: ns.OpInit}, ns.Step{Op: ns.OpSymlink, Target: "/tmp/a", Data: "b"}),
		plan(ns.Step{Op: ns.OpLinkUp, Target: "lo"}, ns.Step{Op: ns.OpMkdir, Target: "/tmp/a/b", Phase: ns.Inside}),
	} {
		text, err := json.Marshal(steps)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var steps []ns.PlannedStep
		if json.Unmarshal(text, &steps) != nil {
			return
		}
		prog, err := Compile(Config{Host: host, Kinds: allKinds, Steps: steps, Command: Command{Argv: []string{"true"}}})
		if err != nil {
			return
		}
		_ = prog.String()
		if n := len(prog.code.Image(1 << 40)); n != prog.code.Size() {
			t.Errorf("the image has %d bytes, not %d", n, prog.code.Size())
		}
	})
}
