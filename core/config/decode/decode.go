// SPDX-License-Identifier: Apache-2.0

// Package decode reads configuration files. It links a TOML library, and so it is
// the plugin host that does it for the front, when a file is new or has changed.
package decode

import (
	"errors"
	"fmt"
	"io"
	"strconv"

	"github.com/nsrun/nsrun/core/config"
	"github.com/nsrun/nsrun/core/find"
	"github.com/nsrun/nsrun/ns"
	"github.com/nsrun/nsrun/nsplugin/nstoml"
)

// maxFile is the largest file in bytes, more than a person writes.
const maxFile = 1 << 20

// Files reads the sources. The error joins all that is wrong with any of them.
func Files(sources []config.Source) ([]config.File, error) {
	files := make([]config.File, len(sources))
	var errs []error
	for i, s := range sources {
		text, id, err := read(s)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		s.Identity = id
		files[i], err = Parse(s, text)
		errs = append(errs, err)
	}
	return files, errors.Join(errs...)
}

// read returns the content of a file that only those have written whom the caller
// trusts: everybody trusts root alone with what holds for everybody.
func read(s config.Source) (string, find.Identity, error) {
	f, id, err := find.OpenFile(s.Path, s.System)
	if err != nil {
		return "", id, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err == nil && len(text) > maxFile {
		err = fmt.Errorf("it is larger than %d bytes", maxFile)
	}
	if err != nil {
		return "", id, &ns.Diagnostic{Summary: fmt.Sprintf("read %s: %v", s.Path, err), Hint: config.Hint}
	}
	return string(text), id, nil
}

// document is the form of a file.
type document struct {
	Plugins   []string                  `toml:"plugins"`
	Required  []string                  `toml:"required"`
	Forbidden []string                  `toml:"forbidden"`
	Nsrun     map[string]any            `toml:"nsrun"`
	Options   map[string]map[string]any `toml:"options"`
}

// Parse reads the text of a file, and returns what is right of it with an error, too. Whether the plugins and options that it names
// exist is for those to say who know the plugins.
func Parse(s config.Source, text string) (config.File, error) {
	var doc document
	toml, err := nstoml.Decode(s.Path, text, &doc, config.Hint)
	p := parser{toml: toml, out: config.File{Source: s}, errs: []error{err}}
	if doc.Plugins != nil && len(doc.Plugins) == 0 {
		p.errs = append(p.errs, toml.Errorf("plugins", "an empty list").WithHint("leave the line out, or name a plugin"))
	}
	p.out.Plugins = p.entries("plugins", doc.Plugins)
	p.out.Required = p.entries("required", doc.Required)
	p.out.Forbidden = p.names("forbidden", doc.Forbidden)
	p.options("nsrun", "", doc.Nsrun)
	for _, scope := range nstoml.Keys(toml, "options", doc.Options) {
		p.scope(scope, doc.Options[scope])
	}
	return p.out, errors.Join(p.errs...)
}

// parser turns a document into a config.File.
type parser struct {
	toml *nstoml.File
	out  config.File
	errs []error
}

func (p *parser) entries(key string, list []string) []config.Entry {
	var entries []config.Entry
	for i, text := range list {
		entries = append(entries, config.Entry{Text: text, Line: p.toml.Line(fmt.Sprintf("%s.%d", key, i))})
	}
	return entries
}

// names reads a list of plugins by their bare names.
func (p *parser) names(key string, list []string) []config.Entry {
	for i, name := range list {
		if !ns.ValidName(name) {
			p.errs = append(p.errs, p.toml.Errorf(fmt.Sprintf("%s.%d", key, i), "%q is not the name of a plugin", name).
				WithHint("the plugin's name alone: lower-case letters, digits and hyphens"))
		}
	}
	return p.entries(key, list)
}

func (p *parser) scope(scope string, table map[string]any) {
	key := "options." + scope
	if !ns.ValidName(scope) {
		p.errs = append(p.errs, p.toml.Errorf(key, "%q is not the name of a plugin", scope).
			WithHint("[options.NAME], with the plugin's name or the kind that it fills"))
		return
	}
	p.options(key, scope, table)
}

// options reads a table of options.
func (p *parser) options(key, scope string, table map[string]any) {
	for _, name := range nstoml.Keys(p.toml, key, table) {
		value := table[name]
		o := config.Option{Scope: scope, Name: name, Line: p.toml.Line(key + "." + name)}
		list, isList := value.([]any)
		if !isList {
			list = []any{value}
		}
		if len(list) == 0 {
			p.errs = append(p.errs, p.toml.Errorf(key+"."+name, "an empty list").WithHint("leave the line out, or give a value"))
		}
		for i, entry := range list {
			o.Values = append(o.Values, p.arguments(fmt.Sprintf("%s.%s.%d", key, name, i), entry))
		}
		p.out.Options = append(p.out.Options, o)
	}
}

// arguments returns what is given at one time: one value, or a list of them for an
// option with several arguments.
func (p *parser) arguments(key string, value any) []string {
	list, isList := value.([]any)
	if !isList {
		list = []any{value}
	}
	var args []string
	for _, v := range list {
		text, ok := scalar(v)
		if !ok {
			p.errs = append(p.errs, p.toml.Errorf(key, "not a value of an option").
				WithHint("a string, a number, true or false; a list of those for an option that can be repeated; a list of lists where it has several arguments"))
		}
		args = append(args, text)
	}
	return args
}

// scalar returns a value as the command line has it.
func scalar(v any) (string, bool) {
	switch v := v.(type) {
	case string:
		return v, true
	case bool:
		return strconv.FormatBool(v), true
	case int64:
		return strconv.FormatInt(v, 10), true
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64), true
	}
	return "", false
}
