// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/nsrun/nsrun/internal/chaos/oracle"
)

// killer kills victims and asks the oracle what they left.
type killer struct {
	rand    *rand.Rand
	runs    int
	before  oracle.Snapshot
	verbose bool
}

const (
	grace    = 2 * time.Second  // until what is left counts
	patience = 60 * time.Second // until a run counts as one that hangs
)

// prefix begins the names of runs, and so of runc's control groups.
var prefix = fmt.Sprintf("chaos-%d-", os.Getpid())

func scope() oracle.Scope {
	return oracle.Scope{Dirs: []string{"/run", "/tmp", "/mnt/xdg", "/var/lib/cni", "/dev/shm"}, Cgroups: prefix, Shared: shared}
}

// shared reports whether all runs of a user have the file in common.
func shared(path string) bool {
	for _, part := range []string{"/nsrun/cache", "/nsrun/names.lock", "/cni/networks/nsrun/l", "/xtables.lock", "/nsrun/native/lock"} {
		if strings.Contains(path, part) {
			return true
		}
	}
	return false
}

// torment kills one victim in every way that c wants.
func (k *killer) torment(v victim, c config) (rows []row, err error) {
	took, err := k.healthy(v)
	if err != nil {
		return nil, err
	}
	for _, d := range v.deaths() {
		if !strings.Contains(d.name, c.ways) {
			continue
		}
		r := row{victim: v.name, way: d.name, ours: v.ours}
		for range c.kills {
			if err := k.kill(v, d, &r, took); err != nil {
				return nil, err
			}
		}
		rows = append(rows, r)
	}
	if v.ours && strings.Contains(again.name, c.ways) {
		r, err := k.relapse(v, c.kills, took)
		if err != nil {
			return nil, err
		}
		rows = append(rows, r)
	}
	if c.step == 0 || !v.ours {
		return rows, nil
	}
	for _, way := range ways() {
		r, err := k.sweep(v, way, c.step)
		if err != nil {
			return nil, err
		}
		rows = append(rows, r)
	}
	return rows, nil
}

// healthy runs the victim undisturbed, so that what all runs share is there, takes
// the snapshot to compare with, and returns how long a run takes.
func (k *killer) healthy(v victim) (took time.Duration, err error) {
	for range 2 {
		id := k.id()
		begin := time.Now()
		if out, err := v.command(v.argv(id, "true")).CombinedOutput(); err != nil {
			return 0, fmt.Errorf("run undisturbed: %w\n%s", err, out)
		}
		took = time.Since(begin)
	}
	time.Sleep(grace)
	k.before, err = oracle.Take(scope())
	return took, err
}

func (k *killer) id() string {
	k.runs++
	return fmt.Sprint(prefix, k.runs)
}

// kill has the victim die once at a random moment of a run, which every second time
// is one whose command ends.
func (k *killer) kill(v victim, d death, r *row, took time.Duration) error {
	id := k.id()
	command := []string{"sleep", "5151"}
	if k.runs%2 == 0 {
		command = []string{"true"}
	}
	cmd := v.command(v.argv(id, command...))
	ended, err := start(cmd)
	if err != nil {
		return err
	}
	r.kills++
	select {
	case <-ended:
	case <-time.After(k.moment(took)):
		if d.strike(cmd.Process.Pid) > 0 {
			r.reached++
		}
		k.await(cmd, d, ended, took, r)
	}
	return k.account(v, r, id)
}

// moment is one of a run, or shortly after it.
func (k *killer) moment(took time.Duration) time.Duration {
	return time.Duration(k.rand.Int64N(int64(took * 6 / 5)))
}

// await waits for the end of a run that was struck. One whose nsrun lives on has
// a while to see what happened, and is asked to end then.
func (k *killer) await(cmd *exec.Cmd, d death, ended <-chan error, took time.Duration, r *row) {
	if d.leavesFront() {
		select {
		case <-ended:
			return
		case <-time.After(k.moment(took)):
			_ = cmd.Process.Signal(syscall.SIGTERM)
		}
	}
	_ = r.outlast(cmd, ended, patience)
}

// outlast waits for the end of a run, no longer than the limit; then it is one that
// hangs, and is killed. It returns how the run ended.
func (r *row) outlast(cmd *exec.Cmd, ended <-chan error, limit time.Duration) error {
	select {
	case err := <-ended:
		return err
	case <-time.After(limit):
		r.hangs++
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		return <-ended
	}
}

// start starts a command and tells its end.
func start(cmd *exec.Cmd) (ended <-chan error, err error) {
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	c := make(chan error, 1)
	go func() { c <- cmd.Wait() }()
	return c, nil
}

// again is the death of whoever starts, until one is left to live.
var again = death{"again and again", []role{front, reaper}}

// relapses is how often the one is killed as well that is to undo what the last left.
const relapses = 4

// relapse kills a run with its reaper, and each next start that would settle it.
func (k *killer) relapse(v victim, times int, took time.Duration) (row, error) {
	d := again
	r := row{victim: v.name, way: d.name, ours: v.ours}
	for range max(1, times/relapses) {
		id := k.id()
		for round := range 1 + relapses {
			argv := v.argv(id, "sleep", "5151")
			if round > 0 {
				argv = v.next(id)
			}
			cmd := v.command(argv)
			ended, err := start(cmd)
			if err != nil {
				return r, err
			}
			time.Sleep(k.moment(took))
			r.kills++
			if d.strike(cmd.Process.Pid) > 0 {
				r.reached++
			}
			k.await(cmd, d, ended, took, &r)
		}
		if err := k.account(v, &r, id); err != nil {
			return r, err
		}
	}
	return r, nil
}

// account counts what a run left: after the grace, and after the next start.
func (k *killer) account(v victim, r *row, id string) error {
	left, err := k.settled(grace)
	if err != nil || len(left) == 0 {
		return err
	}
	for _, t := range left {
		if t.Class == oracle.Process {
			r.survivors++
		} else {
			r.late++
		}
		if k.verbose {
			fmt.Printf("%s, %s: after 2 s %s (run %s)\n", v.name, r.way, t, id)
		}
	}
	// It may fail, as runc does for a container that isn't known; what counts is
	// what the host looks like then.
	_ = v.command(v.next(id)).Run()
	if left, err = k.settled(grace); err != nil {
		return err
	}
	r.left += len(left)
	for _, t := range left[:min(len(left), 3)] {
		r.examples = append(r.examples, fmt.Sprintf("%s (run %s)", t, id))
	}
	if len(left) > 0 {
		k.before, err = oracle.Take(scope()) // so that each counts once
	}
	return err
}

// settled waits until the host is as before, no longer than d, and returns what is
// there besides.
func (k *killer) settled(d time.Duration) (left []oracle.Thing, err error) {
	pause := 5 * time.Millisecond
	for end := time.Now().Add(d); ; time.Sleep(pause) {
		now, err := oracle.Take(scope())
		if err != nil {
			return nil, err
		}
		// What a process has open goes with it, and what this one has is its own.
		left = slices.DeleteFunc(now.Since(k.before), func(t oracle.Thing) bool { return t.Class == oracle.FD })
		if len(left) == 0 || time.Now().After(end) {
			return left, nil
		}
		pause = min(2*pause, 100*time.Millisecond)
	}
}

// way is a rule of strace(1)'s for what is to happen at a system call.
type way struct{ name, rule string }

// ways returns what a sweep does at the Nth call, in every process of a run: each
// that comes so far. The errors are those of a full disk, of limits, and of memory.
func ways() []way {
	list := []way{{"SIGKILL at each call", "all:signal=KILL"}}
	for _, e := range []string{
		"write:error=ENOSPC", "openat:error=EMFILE", "mmap:error=ENOMEM", "mkdirat:error=ENOSPC", "clone3:error=EAGAIN",
		"mount:error=EPERM", "renameat:error=ENOSPC", "flock:error=EINTR", "sendmsg:error=ENOMEM",
	} {
		list = append(list, way{strings.Replace(e, ":error=", " fails: ", 1), e})
	}
	return list
}

// sweep lets the rule take effect at every step-th call until a run has none left.
// Errors are met by far fewer calls, and so take a step of a fifth.
func (k *killer) sweep(v victim, w way, step int) (row, error) {
	r := row{victim: v.name, way: w.name, ours: true}
	if strings.Contains(w.rule, "error") {
		step = max(1, step/5)
	}
	for n := 1 + k.rand.IntN(step); ; n += step {
		id := k.id()
		argv := slices.Concat(words("strace -f -qq -o /dev/null -e"), []string{fmt.Sprintf("inject=%s:when=%d", w.rule, n)}, v.argv(id, "true"))
		ok, err := k.injected(v, argv, &r)
		if err != nil {
			return r, err
		}
		if err := k.account(v, &r, id); err != nil {
			return r, err
		}
		if ok || r.kills > maxSweep {
			return r, nil
		}
		r.reached++
	}
}

// maxSweep ends a sweep of a run whose calls don't.
const maxSweep = 2000

// injected runs argv and reports whether the run ended well.
func (k *killer) injected(v victim, argv []string, r *row) (ok bool, err error) {
	cmd := v.command(argv)
	ended, err := start(cmd)
	if err != nil {
		return false, err
	}
	r.kills++
	return r.outlast(cmd, ended, patience) == nil, nil
}
