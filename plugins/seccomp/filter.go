// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"

	"github.com/elastic/go-seccomp-bpf/arch"
	"github.com/nsrun/nsrun/ns"
	"github.com/nsrun/nsrun/nsplugin"
)

// filter is the plugin, with its options. Those that change the profile act in
// the order of the command line and are read from the request.
type filter struct {
	Profile string   `option:"seccomp" args:"PROFILE" default:"default" help:"which calls are allowed: default, none for all of them, or a JSON file as docker and podman take it"`
	Allow   []string `option:"seccomp-allow" args:"LIST" help:"allow these as well: names or @groups, with commas"`
	Deny    []string `option:"seccomp-deny" args:"LIST" help:"refuse these with EPERM: names or @groups, with commas"`
	Log     bool     `option:"seccomp-log" help:"have the kernel log what is refused"`
}

// Describe returns what the plugin says of itself.
func (*filter) Describe() nsplugin.Info {
	return nsplugin.Info{Name: "seccomp", Version: "0.1.0", Summary: "a filter for system calls: the profile of docker and podman, or another"}
}

// Negotiate offers the filter that the options describe.
func (f *filter) Negotiate(_ context.Context, req *ns.Request) (*ns.Offer, error) {
	calls, err := arch.GetInfo("")
	if err != nil || len(calls.SyscallNames) == 0 {
		return nil, nsplugin.Errorf("filter system calls: the calls of this architecture aren't known").WithHint("leave seccomp out of --plugins")
	}
	p, fresh, err := f.read(calls, req.Facts.Dir)
	if err != nil {
		return nil, err
	}
	var problems []error
	for _, s := range req.Settings {
		if s.Option == "seccomp-allow" || s.Option == "seccomp-deny" {
			problems = append(problems, p.change(s.Option, s.Args[0]))
		}
	}
	if err := errors.Join(problems...); err != nil {
		return nil, err
	}
	offer := &ns.Offer{Freshness: fresh}
	if p.idle() {
		return offer, nil // a filter that lets all through would only cost time
	}
	program, err := p.assemble()
	if err != nil {
		return nil, err
	}
	offer.Steps = []ns.Step{nsplugin.Seccomp(program, f.Log)}
	return offer, nil
}

// read reads the profile, and says which file it depends on. A relative name
// starts at the caller's directory dir.
func (f *filter) read(calls *arch.Info, dir string) (*policy, *ns.Freshness, error) {
	fresh := &ns.Freshness{}
	switch f.Profile {
	case "none":
		return allowAll(calls), fresh, nil
	case "default":
		p, err := defaultPolicy(calls)
		return p, fresh, err
	}
	file := f.Profile
	if !filepath.IsAbs(file) {
		file = filepath.Join(dir, file)
	}
	fresh.Files = []string{file}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, nil, profileError(f.Profile, err)
	}
	p, err := parsePolicy(calls, string(text))
	if err != nil {
		return nil, nil, profileError(f.Profile, err)
	}
	return p, fresh, nil
}

func profileError(file string, err error) error {
	var path *os.PathError
	if errors.As(err, &path) {
		err = path.Err
	}
	return nsplugin.Errorf("--seccomp %s: %w", file, err).WithOption("seccomp").
		WithHint("default, none, or a JSON file as docker run --security-opt seccomp= takes it")
}
