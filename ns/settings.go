// SPDX-License-Identifier: Apache-2.0

package ns

import (
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// ResolveSettings returns settings with the arguments of path options made
// absolute against dir. Settings of options that d doesn't have, and empty
// arguments, are left for [CheckSettings] to refuse.
func ResolveSettings(d *Descriptor, settings []Setting, dir string) []Setting {
	resolved := slices.Clone(settings)
	for i, s := range settings {
		if o := d.Option(s.Option); o != nil && o.Type == Path {
			resolved[i].Args = resolvePaths(s.Args, dir)
		}
	}
	return resolved
}

func resolvePaths(paths []string, dir string) []string {
	resolved := slices.Clone(paths)
	for i, path := range paths {
		switch {
		case path == "":
		case filepath.IsAbs(path):
			resolved[i] = filepath.Clean(path)
		default:
			resolved[i] = filepath.Join(dir, path)
		}
	}
	return resolved
}

// HasSensitive reports whether one of settings is of a sensitive option of d.
func HasSensitive(d *Descriptor, settings []Setting) bool {
	return slices.ContainsFunc(settings, d.sensitive)
}

// WithoutSensitive returns settings without those of sensitive options of d: what
// may be written down.
func WithoutSensitive(d *Descriptor, settings []Setting) []Setting {
	return slices.DeleteFunc(slices.Clone(settings), d.sensitive)
}

func (d *Descriptor) sensitive(s Setting) bool {
	o := d.Option(s.Option)
	return o != nil && o.Sensitive
}

// CheckSettings returns everything that is wrong with settings as options of d:
// SPEC.md, "Settings". Deprecated options give warnings.
func CheckSettings(d *Descriptor, settings []Setting) []Diagnostic {
	var ds []Diagnostic
	given := map[string]int{}
	for _, s := range settings {
		o := d.Option(s.Option)
		if o == nil {
			ds = append(ds, unknownOption(d, s.Option))
			continue
		}
		given[o.Name]++
		ds = append(ds, checkSetting(o, s)...)
	}
	for i := range d.Options {
		ds = append(ds, checkCount(&d.Options[i], given[d.Options[i].Name])...)
	}
	return ds
}

func unknownOption(d *Descriptor, name string) Diagnostic {
	return Diagnostic{
		Summary: fmt.Sprintf("read --%s: plugin %s has no such option", name, d.Name),
		Option:  name,
	}
}

// checkCount checks how often o was given.
func checkCount(o *Option, n int) []Diagnostic {
	switch {
	case n == 0 && o.Required:
		return []Diagnostic{optionError(o, "option is required")}
	case n > 1 && !o.Repeated:
		return []Diagnostic{optionError(o, "given %d times, and may be given once", n)}
	case n > 0 && o.Deprecated != "":
		d := optionError(o, "option is deprecated")
		d.Severity, d.Hint = Warning, o.Deprecated
		return []Diagnostic{d}
	}
	return nil
}

// optionError returns a diagnostic on o whose hint is how o is typed.
func optionError(o *Option, format string, args ...any) Diagnostic {
	return Diagnostic{
		Summary: "read --" + o.Name + ": " + fmt.Sprintf(format, args...),
		Hint:    o.Usage(),
		Option:  o.Name,
	}
}

func checkSetting(o *Option, s Setting) []Diagnostic {
	if want := max(1, o.Arity()); len(s.Args) != want {
		return []Diagnostic{optionError(o, "got %d of %d arguments", len(s.Args), want)}
	}
	var ds []Diagnostic
	for _, arg := range s.Args {
		if problem := checkValue(o, arg); problem != "" {
			ds = append(ds, optionError(o, "%s", problem))
		}
	}
	return ds
}

// checkValue returns what is wrong with value as one of o's arguments, or "".
// The value of a sensitive option isn't repeated.
func checkValue(o *Option, value string) string {
	shown := strconv.Quote(value)
	if o.Sensitive {
		shown = "the value"
	}
	switch {
	case len(value) > MaxString:
		return fmt.Sprintf("longer than %d bytes", MaxString)
	case strings.ContainsRune(value, 0) || !utf8.ValidString(value):
		return shown + " is not UTF-8 text"
	case !o.Type.accepts(value):
		return shown + " is not " + o.Type.article()
	case len(o.Enum) > 0 && !slices.Contains(o.Enum, value):
		return shown + " is not one of " + strings.Join(o.Enum, ", ")
	}
	return ""
}

// accepts reports whether value reads as t. An unknown type accepts nothing.
func (t OptionType) accepts(value string) bool {
	var err error
	switch t {
	case String:
	case Bool:
		return value == "true" || value == "false"
	case Int:
		_, err = strconv.Atoi(value)
	case Duration:
		_, err = time.ParseDuration(value)
	case Path:
		return filepath.IsAbs(value)
	default:
		return false
	}
	return err == nil
}

// article names a value of type t in a sentence.
func (t OptionType) article() string {
	switch t {
	case Bool:
		return "true or false"
	case Int:
		return "a whole number"
	case Duration:
		return "a duration such as 300ms or 1h30m"
	case Path:
		return "a path"
	}
	return "a " + string(t)
}
