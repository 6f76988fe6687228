// SPDX-License-Identifier: Apache-2.0

package core

import (
	"slices"
	"strings"

	"github.com/nsrun/nsrun/core/flags"
)

// Preview is the part of a command line that is surely nsrun's, read before the
// line as a whole can be: the flags of plugins can't be told from words until
// the plugins that have them are known.
type Preview []string

// Glance returns args up to "--", or to the first word behind nothing but
// nsrun's own flags.
func Glance(args []string) Preview {
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

// Has reports whether the switch --name of nsrun's own is turned on.
func (p Preview) Has(name string) bool {
	return slices.ContainsFunc(p, func(arg string) bool { return arg == "--"+name || arg == "--"+name+"=true" })
}

// Given reports whether the switch --name of nsrun's own is given in any form but
// --name=false.
func (p Preview) Given(name string) bool {
	return slices.ContainsFunc(p, func(arg string) bool {
		return arg == "--"+name || strings.HasPrefix(arg, "--"+name+"=") && arg != "--"+name+"=false"
	})
}

// values returns the values of nsrun's own flag --name.
func (p Preview) values(name string) []string {
	var values []string
	for i, arg := range p {
		if value, ok := strings.CutPrefix(arg, "--"+name+"="); ok {
			values = append(values, value)
		} else if arg == "--"+name && i+1 < len(p) {
			values = append(values, p[i+1])
		}
	}
	return values
}
