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
	if err := s.Configure(ctx); err != nil {
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
	base, err := s.profile(preview)
	if err != nil {
		return nil, err
	}
	lists := append(preview.values("plugins"), Preview(base.Args()).values("plugins")...)
	inv := &Invocation{Chosen: len(lists) > 0}
	members, err := s.members(ctx, lists)
	if err != nil {
		return nil, err
	}
	inv.Members = members
	sets := flagSets(members)
	parsed, err := flags.Parse(args, sets)
	errs := []error{s.explainUnknown(ctx, err, members)}
	profiled, wrong := s.profileSettings(ctx, base, sets, members)
	errs = append(errs, wrong...)
	own, err := s.settings(&ns.Descriptor{Options: CoreOptions}, profiled[""], parsed.Settings[""])
	errs = append(append(errs, err), inv.apply(own)...)
	for _, m := range members {
		m.Settings, err = s.settings(m.Descriptor, profiled[m.Name], parsed.Settings[m.Name])
		m.Settings = ns.ResolveSettings(m.Descriptor, m.Settings, s.Facts.Dir)
		errs = append(append(errs, err), problems(m.Name, ns.CheckSettings(m.Descriptor, m.Settings))...)
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

// settings returns what is set of d's options: by configuration files, the profile,
// the environment, and flags, of which each goes over those before it.
func (s *Session) settings(d *ns.Descriptor, profile, given []ns.Setting) ([]ns.Setting, error) {
	settings, errs := s.configured(d)
	for _, layer := range [][]ns.Setting{profile, s.fromEnv(d, given), given} {
		settings = override(d.Options, settings, layer)
	}
	return settings, errors.Join(errs...)
}

// fromEnv returns the settings that the environment supplies where the flag isn't given.
func (s *Session) fromEnv(d *ns.Descriptor, given []ns.Setting) []ns.Setting {
	var settings []ns.Setting
	for _, o := range d.Options {
		isGiven := slices.ContainsFunc(given, func(g ns.Setting) bool { return g.Option == o.Name })
		if value, ok := lookup(s.Environ, o.Env); ok && o.Env != "" && !isGiven {
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
	choices, wrong := s.choices(lists)
	unfit := s.chooseBackends(ctx, choices)
	choices = s.addUser(choices)
	members, err := s.locate(choices)
	if err := errors.Join(wrong, unfit, s.forbid(choices), err); err != nil {
		return nil, err
	}
	if err := s.checkLock(ctx, members); err != nil {
		return nil, err
	}
	return members, s.describe(ctx, members)
}

// choices returns the plugins that the user chose, or those of a run for which nobody
// is chosen, with those that every run must have.
func (s *Session) choices(lists []string) ([]Choice, error) {
	choices, wrong := s.defaults(), error(nil)
	if len(lists) > 0 {
		choices, wrong = ParseChoices(lists[0])
	}
	choices, err := s.require(choices)
	return choices, errors.Join(wrong, err)
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
	finder := find.Finder{}
	defer finder.Close()
	for _, c := range choices {
		name := c.Name
		if c.Path != "" {
			name = c.Path
		}
		dirs := s.dirs
		if c.System {
			dirs = dirs.System()
		}
		p, err := finder.Find(name, dirs)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		members = append(members, &Member{Choice: c, Plugin: p})
	}
	return members, errors.Join(errs...)
}
