// SPDX-License-Identifier: Apache-2.0

package core

import (
	"fmt"
	"slices"

	"github.com/nsrun/nsrun/core/profile"
	"github.com/nsrun/nsrun/ns"
)

// profileArgs returns the flags of the profile that the preview names, if any.
func (s *Session) profileArgs(preview Preview) ([]string, error) {
	names := preview.values("profile")
	switch len(names) {
	case 0:
		return nil, nil
	case 1:
		home, _ := lookup(s.Environ, "HOME")
		p, err := profile.Read(names[0], profile.Dirs(s.Facts.Root(), home))
		if err != nil {
			return nil, err
		}
		return p.Args, nil
	}
	return nil, &ns.Diagnostic{Option: "profile", Summary: fmt.Sprintf("--profile: given %d times, and may be given once", len(names)),
		Hint: "a profile of your own, with the flags of both"}
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

// stray returns an error if a profile has words that belong to no flag.
func stray(words []string) error {
	if len(words) == 0 {
		return nil
	}
	return &ns.Diagnostic{Option: "profile", Summary: fmt.Sprintf("--profile: %q belongs to no flag", words[0]),
		Hint: "one flag on each line, with its arguments; the command stands on the command line"}
}
