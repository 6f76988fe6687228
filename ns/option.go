// SPDX-License-Identifier: Apache-2.0

package ns

import (
	"slices"
	"strings"
)

// OptionType is the type of an option's value.
type OptionType string

// The types of option values. Each value travels as text and is checked
// against its type before a plugin sees it.
const (
	String   OptionType = "string"
	Bool     OptionType = "bool"     // true or false
	Int      OptionType = "int"      // signed decimal
	Duration OptionType = "duration" // as time.ParseDuration: 300ms, 1h
	Path     OptionType = "path"     // made absolute against the caller's working directory
)

// Option is one flag that a plugin adds to the command line.
type Option struct {
	// Name is the long name: "hostname" is --hostname and --uts.hostname. Required.
	Name string `json:"name"`
	// Short is a one-letter name, used only where three or more peers agree on it.
	Short string `json:"short,omitempty"`
	// Type of the value, or of each argument. Required.
	Type OptionType `json:"type"`
	// Args names the arguments, in order, as help shows them: {"SRC", "DST"}.
	// Empty means one argument, or none for a Bool. With more than one, each
	// argument is a word of its own: --bind SRC DST.
	Args []string `json:"args,omitempty"`
	// Help says in one line what the option does. Required.
	Help string `json:"help"`
	// Default is what the plugin takes when the option isn't given; for help only.
	Default string `json:"default,omitempty"`
	// Enum lists the values that are allowed. Empty allows all of the type.
	Enum []string `json:"enum,omitempty"`
	// Repeated allows the option more than once.
	Repeated bool `json:"repeated,omitempty"`
	// Required makes nsrun refuse a run without it.
	Required bool `json:"required,omitempty"`
	// Sensitive keeps the value out of plans, logs and the run directory.
	Sensitive bool `json:"sensitive,omitempty"`
	// Deprecated, if not empty, says what to use instead.
	Deprecated string `json:"deprecated,omitempty"`
	// Env is an environment variable that supplies the value when the flag is absent.
	Env string `json:"env,omitempty"`
}

// Arity returns how many words follow the flag on the command line. A Bool
// takes none: --flag, or --flag=false.
func (o *Option) Arity() int {
	switch {
	case len(o.Args) > 0:
		return len(o.Args)
	case o.Type == Bool:
		return 0
	}
	return 1
}

// Usage returns the option as it is typed: "--bind SRC DST", "--init=false".
func (o *Option) Usage() string {
	switch {
	case len(o.Args) > 0:
		return "--" + o.Name + " " + strings.Join(o.Args, " ")
	case o.Type == Bool && o.Default == "true":
		return "--" + o.Name + "=false"
	case o.Type == Bool:
		return "--" + o.Name
	case len(o.Enum) > 0:
		return "--" + o.Name + " " + strings.Join(o.Enum, "|")
	}
	return "--" + o.Name + " " + strings.ToUpper(string(o.Type))
}

// Setting is an option that was given. Settings keep the order of the command
// line, since some options act in that order.
type Setting struct {
	Option string   `json:"option"`
	Args   []string `json:"args"`
}

func (s Setting) equal(o Setting) bool { return s.Option == o.Option && slices.Equal(s.Args, o.Args) }
