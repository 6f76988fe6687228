// SPDX-License-Identifier: Apache-2.0

package core

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/nsrun/nsrun/core/find"
	"github.com/nsrun/nsrun/core/flags"
	"github.com/nsrun/nsrun/ns"
)

// Parse reads nsrun's command line, without the program's name: which plugins,
// found and described, then all flags against what they describe. The error
// joins all that is wrong.
func (s *Session) Parse(ctx context.Context, args []string) (*Invocation, error) {
	var list string
	values := scanValues(args, "plugins")
	given := len(values) > 0
	if given {
		list = values[0]
	}
	inv, err := s.parseWith(ctx, args, list, given)
	if given && err == nil && !slices.ContainsFunc(args[:len(args)-len(inv.Command)], isPluginsFlag) {
		// What looked like our --plugins belongs to the command.
		return s.parseWith(ctx, args, "", false)
	}
	return inv, err
}

func isPluginsFlag(arg string) bool {
	return arg == "--plugins" || strings.HasPrefix(arg, "--plugins=")
}

// head returns args up to what is surely not nsrun's: "--", or the first word
// behind nothing but nsrun's own flags. The flags of plugins can't be told from
// words yet, since the plugins that have them aren't known.
func head(args []string) []string {
	for i, arg := range args {
		if arg == "--" || len(arg) > 0 && arg[0] != '-' && onlyCore(args[:i]) {
			return args[:i]
		}
	}
	return args
}

// onlyCore reports whether args are nsrun's own flags, each with its words.
func onlyCore(args []string) bool {
	parsed, err := flags.Parse(args, []flags.Set{{Options: CoreOptions}})
	return err == nil && len(parsed.Command) == 0
}

// scanValues returns the values of the core flag --name, before the command line
// can be read as a whole.
func scanValues(args []string, name string) []string {
	var values []string
	for i, arg := range head(args) {
		if value, ok := strings.CutPrefix(arg, "--"+name+"="); ok {
			values = append(values, value)
		} else if arg == "--"+name && i+1 < len(args) {
			values = append(values, args[i+1])
		}
	}
	return values
}

func (s *Session) parseWith(ctx context.Context, args []string, list string, given bool) (*Invocation, error) {
	inv := &Invocation{Chosen: given}
	members, err := s.members(ctx, args, list, given)
	if err != nil {
		return nil, err
	}
	inv.Members = members
	parsed, err := flags.Parse(args, flagSets(members))
	errs := []error{s.explainUnknown(ctx, err, members)}
	errs = append(errs, inv.apply(parsed.Settings[""])...)
	for _, m := range members {
		m.Settings = append(m.Settings, s.fromEnv(m)...)
		m.Settings = append(m.Settings, parsed.Settings[m.Name]...)
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
func (s *Session) members(ctx context.Context, args []string, list string, given bool) ([]*Member, error) {
	defer s.Timings.Begin("find and describe")()
	errs := []error{s.UseDirs(scanValues(args, "plugin-dir"))}
	choices := DefaultChoices()
	if given {
		var err error
		choices, err = ParseChoices(list)
		errs = append(errs, err)
	}
	members, err := s.locate(s.addUser(choices))
	if err := errors.Join(append(errs, err)...); err != nil {
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

// HasSwitch reports whether args turn on the core flag --name, before the
// command line can be read as a whole.
func HasSwitch(args []string, name string) bool {
	return slices.ContainsFunc(head(args), func(arg string) bool {
		return arg == "--"+name || arg == "--"+name+"=true"
	})
}
