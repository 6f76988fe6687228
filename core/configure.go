// SPDX-License-Identifier: Apache-2.0

package core

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/nsrun/nsrun/core/cache"
	"github.com/nsrun/nsrun/core/config"
	"github.com/nsrun/nsrun/core/find"
	"github.com/nsrun/nsrun/ns"
)

// configKey finds what configuration files say in the cache. The identities in it
// change when a file does.
type configKey struct {
	Config  int             `json:"config"`
	Sources []config.Source `json:"sources"`
}

// Configure reads the configuration files that there are: from the cache, unless one
// is new or has changed. The error joins all that is wrong with them.
func (s *Session) Configure(ctx context.Context) error {
	sources := s.sources()
	if len(sources) == 0 {
		return nil
	}
	defer s.Timings.Begin("read configuration")()
	key := configKey{Config: ns.PlanVersion, Sources: sources}
	if s.Cache.Get(key, &s.config) && len(s.config) == len(sources) {
		return nil
	}
	files, err := s.ReadConfig(ctx, sources)
	if err := errors.Join(err, s.checkConfig(ctx, files)); err != nil {
		return err
	}
	s.config = files
	if slices.EqualFunc(files, sources, func(f config.File, src config.Source) bool { return f.Source == src }) {
		s.keep(s.Cache, "configuration", key, files, cache.Files{})
	}
	return nil
}

// Config returns the configuration files that were read, the one that others
// override first.
func (s *Session) Config() []config.File { return s.config }

// sources returns the configuration files that exist.
func (s *Session) sources() []config.Source {
	var sources []config.Source
	for _, path := range config.Paths(s.Facts.UID, s.getenv) {
		if id, ok := find.StateOf(path); ok {
			sources = append(sources, config.Source{Path: path, System: path == config.SystemPath, Identity: id})
		}
	}
	return sources
}

func (s *Session) getenv(name string) string {
	value, _ := lookup(s.Environ, name)
	return value
}

// fileChoices reads a list of plugins in a file. The errors say all that is wrong.
func fileChoices(f *config.File, key string, entries []config.Entry) (choices []Choice, errs []error) {
	for _, e := range entries {
		c, err := parseChoice(e.Text)
		if err == nil {
			err = clash(choices, c)
		}
		if d, ok := errors.AsType[*ns.Diagnostic](err); ok {
			d.Option, d.Summary = "", fmt.Sprintf("read %s: %s: %s", f.At(e.Line), key, strings.TrimPrefix(d.Summary, "--plugins: "))
			d.Hint = strings.TrimPrefix(d.Hint, "--plugins ")
			errs = append(errs, d)
			continue
		}
		choices = append(choices, c)
	}
	return choices, errs
}

// defaults returns the plugins of a run without --plugins.
func (s *Session) defaults() []Choice {
	for i := len(s.config) - 1; i >= 0; i-- {
		if f := &s.config[i]; len(f.Plugins) > 0 {
			choices, _ := fileChoices(f, "plugins", f.Plugins) // checked when it was read
			return choices
		}
	}
	return DefaultChoices()
}

// require adds the plugins that files demand of every run. One that the system's
// file demands is the one that lies beside nsrun, whatever else has its name.
func (s *Session) require(choices []Choice) ([]Choice, error) {
	var errs []error
	for i := range s.config {
		f := &s.config[i]
		required, _ := fileChoices(f, "required", f.Required)
		for j, c := range required {
			c.Required = f.At(f.Required[j].Line)
			c.Reason = "required by " + c.Required
			c.System = f.System
			err := c.settle(&choices)
			errs = append(errs, err)
		}
	}
	return choices, errors.Join(append(errs, s.reattached(choices))...)
}

// settle makes the choice c, which a file requires, one of choices.
func (c Choice) settle(choices *[]Choice) error {
	i := slices.IndexFunc(*choices, func(have Choice) bool {
		return have.Name == c.Name || c.Default && have.Kind == c.Kind
	})
	if i < 0 {
		if clash(*choices, c) != nil {
			return &ns.Diagnostic{Option: "plugins", Summary: fmt.Sprintf("--plugins: %s is to be filled by %s, and not by another plugin", c.Kind, c.Name),
				Detail: c.Required + " demands it", Hint: fmt.Sprintf("%s=%s, or leave it out: it is in every run", c.Kind, c.Name)}
		}
		*choices = append(*choices, c)
		return nil
	}
	have := &(*choices)[i]
	if !c.System || have.Name != c.Name {
		return nil
	}
	have.System, have.Required = true, c.Required
	if path := have.Path; path != "" {
		have.Path = ""
		return &ns.Diagnostic{Option: "plugins", Summary: fmt.Sprintf("--plugins: %s is no choice for the plugin %s", path, c.Name),
			Detail: c.Required + " demands the one that lies beside nsrun", Hint: "leave it out: it is in every run"}
	}
	return nil
}

// reattached refuses a plugin under a debugger for one that the system's file
// demands: it could be any program.
func (s *Session) reattached(choices []Choice) error {
	var errs []error
	for entry := range strings.SplitSeq(s.getenv("NSRUN_REATTACH"), ",") {
		name, _, _ := strings.Cut(entry, "=")
		for _, c := range choices {
			if c.System && c.Name == name {
				errs = append(errs, &ns.Diagnostic{Summary: "NSRUN_REATTACH: the plugin " + name + " can't be one that runs already",
					Detail: c.Required + " demands the one that lies beside nsrun", Hint: "unset NSRUN_REATTACH"})
			}
		}
	}
	return errors.Join(errs...)
}

// forbid refuses the choices that a file forbids.
func (s *Session) forbid(choices []Choice) error {
	var errs []error
	for i := range s.config {
		f := &s.config[i]
		for _, e := range f.Forbidden {
			if slices.ContainsFunc(choices, func(c Choice) bool { return c.Name == e.Text }) {
				errs = append(errs, &ns.Diagnostic{Option: "plugins", Summary: "the plugin " + e.Text + " is forbidden",
					Detail: f.At(e.Line) + " says so", Hint: "--plugins without " + e.Text + "; nsctl config show has all that is forbidden and required"})
			}
		}
	}
	return errors.Join(errs...)
}

// configured returns what files give of a plugin's options, and what is wrong with
// it. A table of the plugin itself goes over that of the kind that it fills.
func (s *Session) configured(d *ns.Descriptor) (settings []ns.Setting, errs []error) {
	for i := range s.config {
		f := &s.config[i]
		for _, scope := range slices.Compact([]string{d.Scope(), d.Name}) {
			given, wrong := fileSettings(f, scope, d)
			settings, errs = override(d.Options, settings, given), append(errs, wrong...)
		}
	}
	return settings, errs
}

// fileSettings returns what one table of a file gives.
func fileSettings(f *config.File, scope string, d *ns.Descriptor) (settings []ns.Setting, errs []error) {
	for i := range f.Options {
		o := &f.Options[i]
		if o.Scope != scope {
			continue
		}
		if wrong := checkOption(f, o, d); wrong != nil {
			errs = append(errs, wrong...)
			continue
		}
		settings = append(settings, o.Settings()...)
	}
	return settings, errs
}
