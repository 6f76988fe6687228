// SPDX-License-Identifier: Apache-2.0

package core

import (
	"context"
	"errors"
	"slices"

	"github.com/nsrun/nsrun/core/find"
	"github.com/nsrun/nsrun/core/flags"
	"github.com/nsrun/nsrun/ns"
)

// Parse reads nsrun's command line, without the program's name: which plugins,
// found and described, then all flags against what they describe. The error
// joins all that is wrong. preview is what Glance says of args.
func (s *Session) Parse(ctx context.Context, args []string, preview Preview) (*Invocation, error) {
	if err := s.UseDirs(preview.values("plugin-dir")); err != nil {
		return nil, err
	}
	if err := s.useLock(preview.lockFile(s.Facts.Dir)); err != nil {
		return nil, err
	}
	inv, err := s.parseAs(ctx, args, preview)
	if err != nil {
		return inv, err
	}
	own := Preview(args[:len(args)-len(inv.Command)])
	for _, name := range []string{"plugins", "profile"} {
		if !slices.Equal(own.values(name), preview.values(name)) {
			// What looked like our flag belongs to the command.
			return s.parseAs(ctx, args, own)
		}
	}
	return inv, nil
}

// parseAs reads args with the plugins and the profile that the preview names.
func (s *Session) parseAs(ctx context.Context, args []string, preview Preview) (*Invocation, error) {
	base, err := s.profileArgs(preview)
	if err != nil {
		return nil, err
	}
	lists := append(preview.values("plugins"), Preview(base).values("plugins")...)
	inv := &Invocation{Chosen: len(lists) > 0}
	members, err := s.members(ctx, lists)
	if err != nil {
		return nil, err
	}
	inv.Members = members
	sets := flagSets(members)
	parsed, err := flags.Parse(args, sets)
	errs := []error{s.explainUnknown(ctx, err, members)}
	profile, err := flags.Parse(base, sets)
	errs = append(errs, s.explainUnknown(ctx, err, members), stray(profile.Command))
	errs = append(errs, inv.apply(override(CoreOptions, profile.Settings[""], parsed.Settings[""]))...)
	for _, m := range members {
		m.Settings = append(m.Settings, s.fromEnv(m)...)
		m.Settings = append(m.Settings, override(m.Descriptor.Options, profile.Settings[m.Name], parsed.Settings[m.Name])...)
		m.Settings = ns.ResolveSettings(m.Descriptor, m.Settings, s.Facts.Dir)
		errs = append(errs, problems(m.Name, ns.CheckSettings(m.Descriptor, m.Settings))...)
	}
	inv.Command = parsed.Command
	return inv, errors.Join(errs...)
}

func flagSets(members []*Member) []flags.Set {
	sets := []flags.Set{{Options: CoreOptions}}
	for _, m := range members {
		sets = append(sets, flags.Set{Plugin: m.Name, Scope: m.Descriptor.Scope(), Options: m.Descriptor.Options})
	}
	return sets
}

// fromEnv returns the settings that the environment supplies; flags given come
// behind and win.
func (s *Session) fromEnv(m *Member) []ns.Setting {
	var settings []ns.Setting
	for _, o := range m.Descriptor.Options {
		if value, ok := lookup(s.Environ, o.Env); ok && o.Env != "" {
			settings = append(settings, ns.Setting{Option: o.Name, Args: []string{value}})
		}
	}
	return settings
}

// problems turns a plugin's diagnostics into errors, notices left out.
func problems(plugin string, diagnostics []ns.Diagnostic) (errs []error) {
	for _, d := range diagnostics {
		if d.Severity == ns.Error {
			d.Plugin = plugin
			errs = append(errs, &d)
		}
	}
	return errs
}

// members returns the chosen plugins, found and described.
func (s *Session) members(ctx context.Context, lists []string) ([]*Member, error) {
	defer s.Timings.Begin("find and describe")()
	choices := DefaultChoices()
	var wrong error
	if len(lists) > 0 {
		choices, wrong = ParseChoices(lists[0])
	}
	unfit := s.chooseBackends(ctx, choices)
	members, err := s.locate(s.addUser(choices))
	if err := errors.Join(wrong, unfit, err); err != nil {
		return nil, err
	}
	if err := s.checkLock(ctx, members); err != nil {
		return nil, err
	}
	return members, s.describe(ctx, members)
}

// addUser adds the user namespace that an ordinary user needs before any other
// kind can be made; user_namespaces(7).
func (s *Session) addUser(choices []Choice) []Choice {
	owns := func(c Choice) bool { return c.Kind == ns.User || c.Name == string(ns.User) }
	if s.Facts.Root() || slices.ContainsFunc(choices, owns) {
		return choices
	}
	return append(choices, Choice{Kind: ns.User, Name: string(ns.User), Reason: "the caller is not root"})
}

func (s *Session) locate(choices []Choice) ([]*Member, error) {
	var members []*Member
	var errs []error
	for _, c := range choices {
		name := c.Name
		if c.Path != "" {
			name = c.Path
		}
		p, err := find.Find(name, s.dirs)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		members = append(members, &Member{Choice: c, Plugin: p})
	}
	return members, errors.Join(errs...)
}
