// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/elastic/go-seccomp-bpf/arch"
	"github.com/nsrun/nsrun/nsplugin"
	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// policy says what happens to each system call.
type policy struct {
	calls *arch.Info
	rules []rule
	// rest is what happens to calls that no rule is about.
	rest action
}

// rule is what happens to a call whose arguments fulfil all conditions.
type rule struct {
	name       string
	action     action
	conditions []condition
}

// action is what a filter returns; seccomp(2), SECCOMP_RET_*.
type action uint32

const allow action = unix.SECCOMP_RET_ALLOW

// refuse is the action that answers errno.
func refuse(errno unix.Errno) action { return unix.SECCOMP_RET_ERRNO | action(errno) }

func (a action) isErrno() bool { return a&unix.SECCOMP_RET_ACTION_FULL == unix.SECCOMP_RET_ERRNO }

// allowAll is the policy that refuses nothing.
func allowAll(calls *arch.Info) *policy { return &policy{calls: calls, rest: allow} }

// idle reports whether p lets everything through.
func (p *policy) idle() bool {
	return p.rest == allow && !slices.ContainsFunc(p.rules, func(r rule) bool { return r.action != allow })
}

// add adds a rule, unless this architecture has no such call.
func (p *policy) add(r rule) {
	if _, known := p.calls.SyscallNames[r.name]; known {
		p.rules = append(p.rules, r)
	}
}

// decide returns the rules about a call that have conditions, and what happens
// if none of them holds.
func (p *policy) decide(name string) (conditional []rule, otherwise action) {
	otherwise, decided := p.rest, false
	for _, r := range p.rules {
		switch {
		case r.name != name:
		case len(r.conditions) > 0:
			conditional = append(conditional, r)
		case !decided:
			otherwise, decided = r.action, true
		}
	}
	return conditional, otherwise
}

// guardTerminal refuses the two requests of ioctl(2) that put characters into a
// terminal's input. The kernel looks at the low half of a request alone, and so
// must a filter (CVE-2019-10063).
func (p *policy) guardTerminal() {
	const tioclinux = 0x541c // TIOCLINUX of ioctl_console(2)
	for _, request := range []uint64{unix.TIOCSTI, tioclinux} {
		p.add(rule{"ioctl", refuse(unix.EPERM), []condition{{arg: 1, op: specs.OpMaskedEqual, value: request, mask: 1<<32 - 1}}})
	}
}

// change replaces the rules of the calls in list, names or @groups.
func (p *policy) change(option, list string) error {
	wanted := allow
	if option == "seccomp-deny" {
		wanted = refuse(unix.EPERM)
	}
	for word := range strings.SplitSeq(list, ",") {
		names, err := p.expand(strings.TrimSpace(word))
		if err != nil {
			return nsplugin.Errorf("--%s %s: %w", option, list, err).WithOption(option).
				WithHint("names of system calls, or groups: " + strings.Join(groupNames(), ", "))
		}
		for _, name := range names {
			p.rules = slices.DeleteFunc(p.rules, func(r rule) bool { return r.name == name })
			p.add(rule{name: name, action: wanted})
		}
	}
	return nil
}

// expand returns the names of a group, or the one name.
func (p *policy) expand(word string) ([]string, error) {
	if names, ok := groups[word]; ok {
		return names, nil
	}
	if _, known := p.calls.SyscallNames[word]; known {
		return []string{word}, nil
	}
	return nil, fmt.Errorf("there is no system call or group %q", word)
}
