// SPDX-License-Identifier: Apache-2.0

package core

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/nsrun/nsrun/core/config"
	"github.com/nsrun/nsrun/core/find"
	"github.com/nsrun/nsrun/core/flags"
	"github.com/nsrun/nsrun/ns"
)

// checkConfig returns all that is wrong with the files as they were read: names that
// nobody has, values that an option doesn't take, and what contradicts itself.
func (s *Session) checkConfig(ctx context.Context, files []config.File) error {
	var errs []error
	for i := range files {
		f := &files[i]
		_, wrong := fileChoices(f, "plugins", f.Plugins)
		_, alsoWrong := fileChoices(f, "required", f.Required)
		errs = append(errs, slices.Concat(wrong, alsoWrong)...)
		for j := range files[:i+1] {
			errs = append(errs, contradictions(f, &files[j])...)
		}
		for j := range f.Options {
			errs = append(errs, s.checkFileOption(ctx, f, &f.Options[j])...)
		}
	}
	return errors.Join(errs...)
}

// contradictions returns what f says against other, which goes over it. A file can
// contradict itself.
func contradictions(f, other *config.File) (errs []error) {
	bare := func(e config.Entry) string { return e.Text[strings.IndexByte(e.Text, '=')+1:] }
	against := func(key string, ours, theirs []config.Entry, verb string) {
		for _, e := range ours {
			i := slices.IndexFunc(theirs, func(o config.Entry) bool { return bare(o) == bare(e) })
			if i >= 0 {
				errs = append(errs, f.Errorf(e.Line, key, "%s %s %s", other.At(theirs[i].Line), verb, bare(e)).
					WithHint("take it out here"))
			}
		}
	}
	against("required", f.Required, other.Forbidden, "forbids")
	if f.Path != other.Path {
		against("forbidden", f.Forbidden, other.Required, "requires")
	}
	return errs
}

// checkFileOption checks an option with the plugins that have its table: a kind's
// must please one of those that can fill it.
func (s *Session) checkFileOption(ctx context.Context, f *config.File, o *config.Option) []error {
	if o.Scope == "" {
		return checkOption(f, o, nil)
	}
	d, err := s.DescribeNamed(ctx, o.Scope)
	if err == nil {
		err = errors.Join(checkOption(f, o, d)...)
	}
	if err == nil {
		return nil
	}
	if !ns.Kind(o.Scope).Valid() {
		return s.noPlugin(ctx, f, o, err)
	}
	for _, d := range s.Installed(ctx) {
		if d.Scope() == o.Scope && checkOption(f, o, d) == nil {
			return nil
		}
	}
	return []error{err}
}

// noPlugin says that a table is of no plugin, if that is what is wrong with it.
func (s *Session) noPlugin(ctx context.Context, f *config.File, o *config.Option, err error) []error {
	if _, missing := errors.AsType[*find.NotFoundError](err); !missing {
		return []error{err}
	}
	names := kindNames()
	for _, d := range s.Installed(ctx) {
		names = append(names, d.Name)
	}
	d := f.Errorf(o.Line, "options."+o.Scope, "no plugin %s is installed", o.Scope).
		WithHint("nsctl plugin list shows those that are")
	if like := flags.Nearest(o.Scope, names); like != "" {
		d.Hint = "did you mean " + like + "?"
	}
	return []error{d}
}

// ownOptions are nsrun's own options that a file can give: the others are read before
// a file is, or belong to one run.
var ownOptions = []string{"env", "clearenv", "chdir", "user", "tty", "no-new-privs", "keep-warm"}

// ownDescriptor describes them as if nsrun were a plugin, which has no option that is
// a switch and also takes words.
func ownDescriptor() *ns.Descriptor {
	d := &ns.Descriptor{}
	for _, o := range CoreOptions {
		if slices.Contains(ownOptions, o.Name) {
			if len(o.Enum) > 0 && o.Type == ns.Bool {
				o.Type, o.Enum = ns.String, append([]string{"true", "false"}, o.Enum...)
			}
			d.Options = append(d.Options, o)
		}
	}
	return d
}

// checkOption returns what is wrong with an option that a file gives to the plugin d, or
// to nsrun itself.
func checkOption(f *config.File, o *config.Option, d *ns.Descriptor) (errs []error) {
	if o.Scope == "" {
		d = ownDescriptor()
	}
	option := d.Option(o.Name)
	if option == nil {
		return []error{unknownKey(f, o, d)}
	}
	for _, wrong := range checkAlone(option, o.Settings()) {
		why := strings.TrimPrefix(wrong.Summary, "read --"+o.Name+": ")
		errs = append(errs, f.Errorf(o.Line, o.Key(), "%s", why).WithHint(fileUsage(option)))
	}
	if o.Scope == "" && len(errs) == 0 {
		errs = checkOwn(f, o)
	}
	return errs
}

// checkOwn checks the value of an option of nsrun's own, by taking it.
func checkOwn(f *config.File, o *config.Option) (errs []error) {
	for _, args := range o.Values {
		err := (&Invocation{}).applyOne(o.Name, args[0])
		if d, ok := errors.AsType[*ns.Diagnostic](err); ok {
			errs = append(errs, f.Errorf(o.Line, o.Key(), "%s", strings.TrimPrefix(d.Summary, "--"+o.Name+": ")).WithHint(d.Hint))
		}
	}
	return errs
}

func unknownKey(f *config.File, o *config.Option, d *ns.Descriptor) error {
	var names []string
	for _, option := range d.Options {
		names = append(names, option.Name)
	}
	wrong := f.Errorf(o.Line, o.Key(), "%s has no such option", cmp.Or(d.Name, "nsrun"))
	switch like := flags.Nearest(o.Name, names); {
	case like != "":
		wrong.Hint = "did you mean " + like + "?"
	case len(names) > 0:
		wrong.Hint = "the options are " + strings.Join(names, ", ")
	}
	return wrong
}

// fileUsage returns an option as a file has it.
func fileUsage(o *ns.Option) string {
	value := strings.ToUpper(string(o.Type))
	switch {
	case len(o.Args) > 0:
		value = strings.Join(o.Args, `", "`)
	case len(o.Enum) > 0:
		value = strings.Join(o.Enum, "|")
	case o.Type == ns.Path:
		value = "/PATH"
	case o.Type == ns.Bool:
		return o.Name + " = true, or false"
	case o.Type == ns.Int:
		return o.Name + " = 1"
	}
	value = `"` + value + `"`
	if o.Arity() > 1 {
		value = "[" + value + "]"
	}
	if o.Repeated {
		value = "[" + value + "]"
	}
	return fmt.Sprintf("%s = %s", o.Name, value)
}
