// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

const (
	thiefUID = testUID + 1
	// Of each theft so many exchanges and so many starts at least.
	minSwaps, minStarts = 1000, 8
)

// theft is a way in which another user can put a program where a plugin was, again
// and again. Paths are below a directory of root's; "good/nsrun-plugin-x" is a plugin.
type theft struct {
	name  string
	setup string // a shell script, run by root; thief is the other user, evil his program
	dir   string // for --plugin-dir
	a, b  string // what he exchanges; without b he writes both programs into a in turn
	// byRoot says that root makes the exchange, so that the plugin can be trusted
	// half of the time: it has to run then.
	byRoot bool
}

var thefts = []theft{
	{"a file in the thief's directory", "mkdir d; cp good/* d; cp evil d/evil; chown thief d", "d", "d/nsrun-plugin-x", "d/evil", false},
	{"a link in the thief's directory", "mkdir d; ln -s ../good/nsrun-plugin-x d/nsrun-plugin-x; ln -s ../evil d/evil; chown thief d", "d", "d/nsrun-plugin-x", "d/evil", false},
	{"a directory in the thief's directory", "mkdir -p d/bad; cp -r good d/good; cp evil d/bad/nsrun-plugin-x; chown thief d", "d/good", "d/good", "d/bad", false},
	{"a link to a directory in the thief's directory", "mkdir -p d/bad; cp evil d/bad/nsrun-plugin-x; ln -s ../good d/link; ln -s bad d/other; chown thief d", "d/link", "d/link", "d/other", false},
	{"a file in a directory of the thief's group", "mkdir d; cp good/* d; cp evil d/evil; chgrp thief d; chmod 775 d", "d", "d/nsrun-plugin-x", "d/evil", false},
	{"a link in a sticky directory", "mkdir d; chmod 1777 d; ln -s ../good/nsrun-plugin-x d/nsrun-plugin-x; ln -s ../evil d/evil; chown -h thief d/*", "d", "d/nsrun-plugin-x", "d/evil", false},
	{"what a link in root's directory leads to", "mkdir d l; cp good/* d; cp evil d/evil; chown thief d; ln -s ../d/nsrun-plugin-x l/nsrun-plugin-x", "l", "d/nsrun-plugin-x", "d/evil", false},
	{"the content of a file that all may write", "mkdir d; cp good/* d; chmod 777 d/*", "d", "d/nsrun-plugin-x", "", false},
	{"the content of the thief's file in root's directory", "mkdir d; cp good/* d; chown thief d/*", "d", "d/nsrun-plugin-x", "", false},
	{"root's link to it or to the thief's file", "mkdir d; ln -s ../good/nsrun-plugin-x d/nsrun-plugin-x; ln -s ../evil d/evil", "d", "d/nsrun-plugin-x", "d/evil", true},
}

const goodPlugin = `#!BIN/plugins/nsrun-plugin-exec
name = "x"
version = "1.0.0"
summary = "says that it ran"
script = '''printf '{"env": [{"name": "RAN", "value": "good"}]}' '''
`

// TestOthersNeverChangeWhatRuns has another user exchange a plugin with a program of
// his while root, and an ordinary user, start it. The program never runs.
func TestOthersNeverChangeWhatRuns(t *testing.T) {
	requireRoot(t)
	for _, attr := range []*syscall.SysProcAttr{nil, userCredential()} {
		who := "root"
		if attr != nil {
			who = "visitor"
		}
		for _, th := range thefts {
			t.Run(who+": "+th.name, func(t *testing.T) { th.try(t, attr) })
		}
	}
}

func (th *theft) try(t *testing.T, attr *syscall.SysProcAttr) {
	work := th.prepare(t)
	swaps, stop := th.start(t, work)
	ran, starts := 0, 0
	for ; starts < minStarts || swaps() < minSwaps || th.byRoot && ran == 0 && starts < 50*minStarts; starts++ {
		cmd := exec.Command(binDir+"/nsrun", "--no-cache", "--plugin-dir", filepath.Join(work, th.dir), "--plugins", "x", "sh", "-c", "echo $RAN")
		cmd.Env, cmd.SysProcAttr = hostEnv(), attr
		if attr != nil {
			cmd.Env = userEnv(cmd.Env)
		}
		var stderr strings.Builder
		cmd.Stderr = &stderr
		out, err := cmd.Output()
		switch {
		case err == nil && string(out) == "good\n":
			ran++
		case cmd.ProcessState.ExitCode() != 125 || !strings.Contains(stderr.String(), "refuse plugin"):
			t.Errorf("neither ran nor refused: %v\n%s%s", err, out, &stderr)
		}
	}
	stop()
	if marks, err := os.ReadDir(filepath.Join(work, "marks")); err != nil || len(marks) > 0 {
		t.Errorf("the thief's program ran (%v)", err)
	}
	if th.byRoot != (ran > 0) {
		t.Errorf("the plugin ran %d times", ran)
	}
	t.Logf("%d exchanges, %d starts, of which %d ran the plugin", swaps(), starts, ran)
}

// prepare makes the files of the theft and returns the directory of them.
func (th *theft) prepare(t *testing.T) string {
	t.Helper()
	work, err := os.MkdirTemp(workRoot(t), "")
	if err != nil {
		t.Fatal(err)
	}
	evil := fmt.Sprintf("#!/bin/sh\n: >%s/marks/$$\n", work)
	good := strings.ReplaceAll(goodPlugin, "BIN", binDir)
	script := "umask 022; chmod 755 .; mkdir good marks; chmod 777 marks; printf %s \"$GOOD\" >good/nsrun-plugin-x; printf %s \"$EVIL\" >evil; chmod 755 good/* evil; chown thief evil; " + th.setup
	cmd := exec.Command("sh", "-ec", strings.NewReplacer("chown thief", fmt.Sprintf("chown %d", thiefUID), "chgrp thief", fmt.Sprintf("chgrp %d", thiefUID),
		"chown -h thief", fmt.Sprintf("chown -h %d", thiefUID)).Replace(script))
	cmd.Dir, cmd.Env = work, append(os.Environ(), "GOOD="+good, "EVIL="+evil)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return work
}

// start begins the exchanges, in a thread of the thief's; swaps counts them.
func (th *theft) start(t *testing.T, work string) (swaps func() int64, stop func()) {
	t.Helper()
	s := &swapper{done: make(chan struct{}), ended: make(chan error, 1)}
	a, b := filepath.Join(work, th.a), filepath.Join(work, th.b)
	once := func() error { return unix.Renameat2(unix.AT_FDCWD, a, unix.AT_FDCWD, b, unix.RENAME_EXCHANGE) }
	if th.b == "" {
		good, errGood := os.ReadFile(filepath.Join(work, "good/nsrun-plugin-x"))
		evil, errEvil := os.ReadFile(filepath.Join(work, "evil"))
		if err := errors.Join(errGood, errEvil); err != nil {
			t.Fatal(err)
		}
		texts := [][]byte{evil, good}
		once = func() error { return os.WriteFile(a, texts[s.swaps.Load()%2], 0o755) }
	}
	go s.run(!th.byRoot, once)
	return s.swaps.Load, func() {
		close(s.done)
		if err := <-s.ended; err != nil {
			t.Errorf("exchange: %v", err)
		}
	}
}

// swapper does something again and again.
type swapper struct {
	swaps atomic.Int64
	done  chan struct{}
	ended chan error
}

// run calls once until done is closed. As a thief it does so in a thread with the
// ids of another user, which ends with it: ids belong to threads, and package
// syscall would change those of all.
func (s *swapper) run(asThief bool, once func() error) {
	if asThief {
		runtime.LockOSThread() // and never unlock
		for _, call := range [][4]uintptr{{unix.SYS_SETGROUPS}, {unix.SYS_SETRESGID, thiefUID, thiefUID, thiefUID}, {unix.SYS_SETRESUID, thiefUID, thiefUID, thiefUID}} {
			if _, _, errno := unix.RawSyscall(call[0], call[1], call[2], call[3]); errno != 0 {
				s.ended <- errno
				return
			}
		}
	}
	for {
		select {
		case <-s.done:
			s.ended <- nil
			return
		default:
		}
		// A file that is being executed can't be written, which is what is wanted.
		if err := once(); err != nil && !errors.Is(err, unix.ETXTBSY) {
			s.ended <- err
			return
		}
		s.swaps.Add(1)
	}
}
