// SPDX-License-Identifier: Apache-2.0

package core

import (
	"context"
	"strings"

	"github.com/nsrun/nsrun/core/config"
	"github.com/nsrun/nsrun/ns"
)

// Given is something that a configuration file gives, to be shown.
type Given struct {
	Key   string `json:"key"`
	Value string `json:"value"`
	// From is the file and the line.
	From string `json:"from"`
	// Overridden is the file and the line that gives something else instead.
	Overridden string `json:"overridden,omitempty"`
}

// Given returns all that the configuration files give, each with its line. Values of
// sensitive options are left out.
func (s *Session) Given(ctx context.Context) []Given {
	all := []Given{}
	at := map[string]int{} // where in all each key was given last
	for i := range s.config {
		f := &s.config[i]
		if len(f.Plugins) > 0 {
			overrideGiven(all, at, "plugins", f.At(f.Plugins[0].Line))
			at["plugins"] = len(all)
		}
		all = append(all, givenEntries(f, "plugins", f.Plugins)...)
		all = append(all, givenEntries(f, "required", f.Required)...)
		all = append(all, givenEntries(f, "forbidden", f.Forbidden)...)
		for j := range f.Options {
			o := &f.Options[j]
			option := s.optionOf(ctx, o)
			if !option.Repeated {
				overrideGiven(all, at, o.Key(), f.At(o.Line))
			}
			at[o.Key()] = len(all)
			all = append(all, givenOption(f, o, option))
		}
	}
	return all
}

// overrideGiven marks what was given earlier under key.
func overrideGiven(all []Given, at map[string]int, key, by string) {
	if i, ok := at[key]; ok {
		all[i].Overridden = by
	}
}

func givenEntries(f *config.File, key string, entries []config.Entry) []Given {
	if len(entries) == 0 {
		return nil
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Text)
	}
	return []Given{{Key: key, Value: strings.Join(names, ","), From: f.At(entries[0].Line)}}
}

func givenOption(f *config.File, o *config.Option, option ns.Option) Given {
	var values []string
	for _, args := range o.Values {
		values = append(values, strings.Join(args, " "))
	}
	g := Given{Key: o.Key(), Value: strings.Join(values, ", "), From: f.At(o.Line)}
	if option.Sensitive {
		g.Value = "(hidden)"
	}
	return g
}

// optionOf returns the option that o gives, as one of the plugins with its table
// describes it.
func (s *Session) optionOf(ctx context.Context, o *config.Option) ns.Option {
	if o.Scope == "" {
		return *ownDescriptor().Option(o.Name)
	}
	described := s.Installed(ctx)
	if d, err := s.DescribeNamed(ctx, o.Scope); err == nil {
		described = append([]*ns.Descriptor{d}, described...)
	}
	for _, d := range described {
		if option := d.Option(o.Name); option != nil && (d.Name == o.Scope || d.Scope() == o.Scope) {
			return *option
		}
	}
	return ns.Option{Repeated: true}
}
