// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"strconv"

	"github.com/nsrun/nsrun/ns"
	"github.com/nsrun/nsrun/nsplugin"
	"golang.org/x/sys/unix"
)

// landlock is the plugin, with its options.
type landlock struct {
	RO      []string `option:"landlock-ro" args:"PATH" type:"path" help:"let the command read PATH and all below it"`
	RX      []string `option:"landlock-rx" args:"PATH" type:"path" help:"let it read and execute"`
	RW      []string `option:"landlock-rw" args:"PATH" type:"path" help:"let it read and write"`
	RWX     []string `option:"landlock-rwx" args:"PATH" type:"path" help:"let it read, write and execute"`
	Bind    []string `option:"landlock-bind-tcp" args:"PORT" help:"let it listen on this TCP port and no other; none for no port at all"`
	Connect []string `option:"landlock-connect-tcp" args:"PORT" help:"let it connect to this TCP port and no other; none for no port at all"`
	Scope   []string `option:"landlock-scope" args:"WHAT" enum:"abstract-unix,signal" help:"keep it from abstract sockets, or from signalling processes, that it didn't make itself"`
}

// Describe returns what the plugin says of itself.
func (*landlock) Describe() nsplugin.Info {
	return nsplugin.Info{Name: "landlock", Version: "0.1.0", Summary: "files and ports that the command may use, and no others"}
}

// Negotiate offers a ruleset of what the options allow. Only what some option
// speaks of is restricted.
func (l *landlock) Negotiate(context.Context, *ns.Request) (*ns.Offer, error) {
	r := &rules{}
	r.paths(l.RO, "read")
	r.paths(l.RX, "read", "execute")
	r.paths(l.RW, "read", "write")
	r.paths(l.RWX, "read", "write", "execute")
	r.ports("landlock-bind-tcp", "bind-tcp", l.Bind)
	r.ports("landlock-connect-tcp", "connect-tcp", l.Connect)
	for _, scope := range l.Scope {
		r.restrict(scope)
	}
	if err := errors.Join(r.problems...); err != nil {
		return nil, err
	}
	offer := &ns.Offer{Freshness: &ns.Freshness{}}
	if len(r.scopes) == 0 {
		offer.Diagnostics = []ns.Diagnostic{*nsplugin.Warnf("nothing is restricted: no option says what is allowed").
			WithHint("--landlock-rx / --landlock-rw ., or leave landlock out of --plugins")}
		return offer, nil
	}
	offer.Steps = append([]ns.Step{nsplugin.Landlock(r.scopes...)}, r.steps...)
	return offer, nil
}

// Check returns whether the kernel has Landlock.
func (*landlock) Check(context.Context, ns.Facts) ([]ns.Diagnostic, error) {
	_, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, unix.LANDLOCK_CREATE_RULESET_VERSION)
	if errno == 0 {
		return nil, nil
	}
	return []ns.Diagnostic{*nsplugin.Errorf("the kernel has no Landlock: %w", errno).
		WithHint("a kernel built with CONFIG_SECURITY_LANDLOCK and started with landlock among its lsm=")}, nil
}

// rules collects what is restricted and what is allowed.
type rules struct {
	scopes   []string
	steps    []ns.Step
	problems []error
}

// restrict adds to what is restricted, once.
func (r *rules) restrict(scope string) {
	for _, have := range r.scopes {
		if have == scope {
			return
		}
	}
	r.scopes = append(r.scopes, scope)
}

func (r *rules) paths(paths []string, accesses ...string) {
	for _, p := range paths {
		r.restrict("fs")
		r.steps = append(r.steps, nsplugin.LandlockPath(p, accesses...))
	}
}

func (r *rules) ports(option, access string, ports []string) {
	for _, given := range ports {
		r.restrict(access)
		port, err := strconv.ParseUint(given, 10, 16)
		switch {
		case given == "none":
		case err != nil:
			r.problems = append(r.problems, nsplugin.Errorf("--%s %s: not a port", option, given).
				WithOption(option).WithHint("a number from 0 to 65535, or none"))
		default:
			r.steps = append(r.steps, nsplugin.LandlockPort(uint16(port), access))
		}
	}
}
