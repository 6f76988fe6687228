// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
)

// sweep has a rule of strace(1)'s take effect at one system call after the other, in every
// process of a run: each that comes so far.
type sweep struct{ title, rule string }

// sweeps returns all. The errors are those of a full disk, of limits, and of memory. There
// is none for write(2): strace(1) can't spare sockets and pipes, which it would strike with
// errors that they don't have. Scripts fill disks instead.
func sweeps() []way {
	list := []way{sweep{"SIGKILL at each call", "all:signal=KILL"}}
	for _, e := range []string{
		"openat:error=EMFILE", "mmap:error=ENOMEM", "mkdirat:error=ENOSPC", "clone3:error=EAGAIN", "unshare:error=ENOSPC",
		"mount:error=EPERM", "renameat:error=ENOSPC", "flock:error=EINTR", "sendmsg:error=ENOMEM",
	} {
		list = append(list, sweep{strings.Replace(e, ":error=", " fails: ", 1), e})
	}
	return list
}

func (s sweep) name() string { return s.title }

// strides splits a sweep of every step-th call among all into jobs that take turns. With 0
// there is none. Errors are met by far fewer calls, and so take a step of a fifth, and a
// job each.
func (s sweep) strides(j job, step int) (all []job) {
	if step == 0 {
		return nil
	}
	turns := 8
	if s.call() != "all" {
		step, turns = max(1, step/5), 1
	}
	for i := range turns {
		j.First, j.Stride = 1+i*step, turns*step
		all = append(all, j)
	}
	return all
}

func (s sweep) torment(k *killer, v victim, j job) error {
	last, err := k.countCalls(v, s.call())
	if err != nil {
		return err
	}
	for n := j.First; n <= last; n += j.Stride {
		if err := k.inject(v, fmt.Sprintf("inject=%s:when=%d", s.rule, n)); err != nil {
			return err
		}
	}
	return nil
}

// call is which calls the rule is for.
func (s sweep) call() string {
	name, _, _ := strings.Cut(s.rule, ":")
	return name
}

// countCalls returns how many such calls the process of an undisturbed run makes that
// makes most. It is an error if the run doesn't end well: it wouldn't be the rule that
// ends the others.
func (k *killer) countCalls(v victim, call string) (int, error) {
	const name = "/tmp/calls"
	defer os.Remove(name)
	cmd := v.traced(name, "trace="+call, v.argv(k.id(), "true"))
	if out, err := cmd.CombinedOutput(); err != nil {
		return 0, fmt.Errorf("%q: %w\n%s", cmd.Args, err, out)
	}
	text, err := os.ReadFile(name)
	calls := map[string]int{}
	for line := range bytes.Lines(text) {
		pid, rest, _ := bytes.Cut(line, []byte(" "))
		if !bytes.Contains(rest, []byte("resumed>")) { // the second half of a call
			calls[string(pid)]++
		}
	}
	most := 0
	for _, n := range calls {
		most = max(most, n)
	}
	return most, err
}

// inject has a run go on under the rule, and accounts for it.
func (k *killer) inject(v victim, rule string) error {
	id, t := k.id(), tally{Kills: 1}
	a, err := start(v.traced("/dev/null", rule, v.argv(id, "true")))
	if err != nil {
		return err
	}
	if a.outlast(patience, &t) != nil {
		t.Hit++
	}
	return k.account(v, t, id)
}

// traced returns argv under strace(1), as the victim's user: only root's may trace programs
// that are set-user-ID, as newuidmap is.
func (v victim) traced(output, rule string, argv []string) *exec.Cmd {
	strace := words("strace -f -qq -o " + output + " -e " + rule)
	if v.user {
		strace = append(strace, "-u", "visitor")
	}
	cmd := v.command(slices.Concat(strace, argv))
	cmd.SysProcAttr.Credential = nil
	return cmd
}
