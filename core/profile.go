// SPDX-License-Identifier: Apache-2.0

package core

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/nsrun/nsrun/core/flags"
	"github.com/nsrun/nsrun/core/profile"
	"github.com/nsrun/nsrun/ns"
)

// profile returns the profile that the preview names, or nil.
func (s *Session) profile(preview Preview) (*profile.Profile, error) {
	names := preview.values("profile")
	switch len(names) {
	case 0:
		return nil, nil
	case 1:
		return profile.Read(names[0], profile.Dirs(s.Facts.Root(), s.getenv("HOME")))
	}
	return nil, &ns.Diagnostic{Option: "profile", Summary: fmt.Sprintf("--profile: given %d times, and may be given once", len(names)),
		Hint: "a profile of your own, with the flags of both"}
}

// profileSettings returns what the profile sets, by plugin. The errors say all that is
// wrong with it, each with its line.
func (s *Session) profileSettings(ctx context.Context, p *profile.Profile, sets []flags.Set, members []*Member) (map[string][]ns.Setting, []error) {
	all := map[string][]ns.Setting{}
	if p == nil {
		return all, nil
	}
	var errs []error
	for _, line := range p.Lines {
		parsed, err := flags.Parse(line.Args, sets)
		wrong := ns.Diagnose(errors.Join(s.explainUnknown(ctx, err, members), stray(parsed.Command)))
		for _, set := range sets {
			given, bad := goodSettings(&ns.Descriptor{Options: set.Options}, parsed.Settings[set.Plugin])
			wrong = append(wrong, bad...)
			all[set.Plugin] = override(set.Options, all[set.Plugin], given)
		}
		for i := range wrong {
			d := &wrong[i]
			d.Option, d.Summary = "profile", fmt.Sprintf("read %s: %s", p.At(line.Number), d.Error())
			d.Plugin = ""
			errs = append(errs, d)
		}
	}
	return all, errs
}

// goodSettings splits settings into those whose values fit their options, and what is
// wrong with the others.
func goodSettings(d *ns.Descriptor, settings []ns.Setting) (good []ns.Setting, wrong []ns.Diagnostic) {
	for _, set := range settings {
		option := *d.Option(set.Option) // it was parsed as one of d's
		switch {
		case option.Type == ns.Path:
			option.Type = ns.String // it becomes a path once it is seen from a directory
		case option.Type == ns.Bool && len(option.Enum) > 0:
			option.Type, option.Enum = ns.String, nil // a switch that may have a value, as --tty=auto
		}
		bad := checkAlone(&option, []ns.Setting{set})
		if len(bad) == 0 {
			good = append(good, set)
		}
		wrong = append(wrong, bad...)
	}
	return good, wrong
}

// checkAlone returns the errors of settings of one option, as if there were no other.
func checkAlone(o *ns.Option, settings []ns.Setting) []ns.Diagnostic {
	optional := *o
	optional.Required = false
	ds := ns.CheckSettings(&ns.Descriptor{Options: []ns.Option{optional}}, settings)
	return slices.DeleteFunc(ds, func(d ns.Diagnostic) bool { return d.Severity != ns.Error })
}

// override returns the settings of a profile and of the command line. An option
// that can be given once is taken from the command line if it is there.
func override(options []ns.Option, base, given []ns.Setting) []ns.Setting {
	replaced := func(s ns.Setting) bool {
		once := slices.ContainsFunc(options, func(o ns.Option) bool { return o.Name == s.Option && !o.Repeated })
		return once && slices.ContainsFunc(given, func(g ns.Setting) bool { return g.Option == s.Option })
	}
	return append(slices.DeleteFunc(slices.Clone(base), replaced), given...)
}

// stray returns an error if a line of a profile has words that belong to no flag.
func stray(words []string) error {
	if len(words) == 0 {
		return nil
	}
	return &ns.Diagnostic{Summary: fmt.Sprintf("%q belongs to no flag", words[0]),
		Hint: "one flag on each line, with its arguments; the command stands on the command line"}
}
