// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"

	"github.com/elastic/go-seccomp-bpf/arch"
	profile "github.com/moby/profiles/seccomp"
	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// withChroot is the process that profiles are made for. They allow some calls
// only with the capability that these need, which the kernel asks for itself;
// chroot(2) is the one that is also of use in a user namespace of the command's
// own making, where the rest would only give more of the kernel to attack.
func withChroot() *specs.Spec {
	return &specs.Spec{Process: &specs.Process{Capabilities: &specs.LinuxCapabilities{Bounding: []string{"CAP_SYS_CHROOT"}}}}
}

// defaultPolicy is docker's and podman's, and keeps the command from typing into
// the caller's terminal.
func defaultPolicy(calls *arch.Info) (*policy, error) {
	spec, err := profile.GetDefaultProfile(withChroot())
	if err != nil {
		return nil, fmt.Errorf("read the default profile: %w", err)
	}
	p, err := policyOf(calls, spec)
	if err != nil {
		return nil, fmt.Errorf("read the default profile: %w", err)
	}
	p.guardTerminal()
	return p, nil
}

// parsePolicy reads a profile in the JSON of docker and podman.
func parsePolicy(calls *arch.Info, text string) (*policy, error) {
	spec, err := profile.LoadProfile(text, withChroot())
	switch {
	case err != nil:
		return nil, err
	case spec == nil:
		return nil, fmt.Errorf("it has neither a defaultAction nor syscalls")
	}
	return policyOf(calls, spec)
}

// policyOf translates a profile.
func policyOf(calls *arch.Info, spec *specs.LinuxSeccomp) (p *policy, err error) {
	p = &policy{calls: calls}
	if p.rest, err = actionOf(spec.DefaultAction, spec.DefaultErrnoRet); err != nil {
		return nil, err
	}
	for _, s := range spec.Syscalls {
		a, err := actionOf(s.Action, s.ErrnoRet)
		if err != nil {
			return nil, err
		}
		alternatives, err := conditionsOf(s.Args)
		if err != nil {
			return nil, fmt.Errorf("%v: %w", s.Names, err)
		}
		for _, name := range s.Names {
			for _, conditions := range alternatives {
				p.add(rule{name, a, conditions})
			}
		}
	}
	return p, nil
}

// actions are those of a profile that need nobody outside to decide.
var actions = map[specs.LinuxSeccompAction]action{
	specs.ActAllow: allow, specs.ActLog: unix.SECCOMP_RET_LOG, specs.ActTrap: unix.SECCOMP_RET_TRAP,
	specs.ActKill: unix.SECCOMP_RET_KILL_THREAD, specs.ActKillThread: unix.SECCOMP_RET_KILL_THREAD,
	specs.ActKillProcess: unix.SECCOMP_RET_KILL_PROCESS,
}

func actionOf(name specs.LinuxSeccompAction, errno *uint) (action, error) {
	if name == specs.ActErrno {
		if errno == nil {
			return refuse(unix.EPERM), nil
		}
		return refuse(unix.Errno(*errno & 0xffff)), nil
	}
	a, ok := actions[name]
	if !ok {
		return 0, fmt.Errorf("the action %q is not supported", name)
	}
	return a, nil
}
