// SPDX-License-Identifier: Apache-2.0

// Package flags reads a command line whose flags are known only at run time:
// those of nsrun itself and those of the chosen plugins' descriptors. Flags of
// all plugins share one name space; the form --SCOPE.NAME always works.
package flags

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/nsrun/nsrun/ns"
)

// Set is the options of one plugin, or of nsrun itself.
type Set struct {
	// Plugin names whose options they are; "" for nsrun's own.
	Plugin string
	// Scope is the prefix of the long form: --Scope.NAME. Empty for nsrun's own.
	Scope string
	// Options are the options.
	Options []ns.Option
}

// Parsed is a command line that was read.
type Parsed struct {
	// Settings are the options given, by the plugin they belong to, in order.
	Settings map[string][]ns.Setting
	// Command is the command and its arguments.
	Command []string
}

// Unknown is a flag that no set has.
type Unknown struct {
	// Flag is the flag as given, with its dashes, without a value.
	Flag string
	// Like is a known flag that is spelled nearly the same, or "".
	Like string
}

// Error says what is wrong and what may have been meant.
func (u *Unknown) Error() string { return "unknown flag " + u.Flag }

// Parse reads args up to the first word that is no flag, or to "--", which the
// command follows. The error joins all that is wrong: *Unknown for unknown
// flags, *ns.Diagnostic for the rest.
func Parse(args []string, sets []Set) (Parsed, error) {
	p := parser{sets: sets, rest: args, out: Parsed{Settings: map[string][]ns.Setting{}}}
	for len(p.rest) > 0 {
		word := p.rest[0]
		if word == "--" {
			p.rest = p.rest[1:]
			break
		}
		if len(word) < 2 || word[0] != '-' {
			break
		}
		p.rest = p.rest[1:]
		p.flag(word)
	}
	p.out.Command = p.rest
	return p.out, errors.Join(p.errs...)
}

type parser struct {
	sets []Set
	rest []string
	out  Parsed
	errs []error
}

func (p *parser) fail(option *ns.Option, plugin, summary, hint string) {
	p.errs = append(p.errs, &ns.Diagnostic{Plugin: plugin, Option: option.Name, Summary: summary, Hint: hint})
}

// flag reads one word with dashes, and the words that belong to it.
func (p *parser) flag(word string) {
	if strings.HasPrefix(word, "--") {
		p.long(word)
	} else {
		p.short(word)
	}
}

// long reads one --flag, --flag=value or --scope.flag.
func (p *parser) long(word string) {
	name, value, hasValue := strings.Cut(word[2:], "=")
	if m, ok := p.single("--"+name, p.named(name)); ok {
		p.take("--"+name, m, value, hasValue)
	}
}

// short reads -f, -f value, -fvalue and several flags without values in one word.
func (p *parser) short(word string) {
	for letters := word[1:]; letters != ""; {
		letter := letters[:1]
		letters = letters[1:]
		matches := p.lookup(func(_ *Set, o *ns.Option) bool { return o.Short == letter })
		m, ok := p.single("-"+letter, matches)
		if !ok {
			return
		}
		if m.option.Arity() > 0 {
			p.take("-"+letter, m, strings.TrimPrefix(letters, "="), letters != "")
			return
		}
		p.take("-"+letter, m, "", false)
	}
}

// match is an option with the set that it belongs to.
type match struct {
	set    *Set
	option *ns.Option
}

func (p *parser) lookup(fits func(*Set, *ns.Option) bool) []match {
	var found []match
	for i := range p.sets {
		for j := range p.sets[i].Options {
			if fits(&p.sets[i], &p.sets[i].Options[j]) {
				found = append(found, match{&p.sets[i], &p.sets[i].Options[j]})
			}
		}
	}
	return found
}

// named returns the options that --name may mean.
func (p *parser) named(name string) []match {
	return p.lookup(func(s *Set, o *ns.Option) bool {
		return o.Name == name || s.Scope != "" && s.Scope+"."+o.Name == name
	})
}

func (p *parser) single(flag string, matches []match) (match, bool) {
	switch len(matches) {
	case 1:
		return matches[0], true
	case 0:
		p.errs = append(p.errs, &Unknown{Flag: flag, Like: p.nearest(flag)})
		return match{}, false
	}
	var forms []string
	for _, m := range matches {
		forms = append(forms, "--"+m.set.Scope+"."+m.option.Name)
	}
	p.errs = append(p.errs, &ns.Diagnostic{
		Summary: fmt.Sprintf("the flag %s belongs to more than one plugin", flag),
		Hint:    strings.Join(forms, " or ")})
	return match{}, false
}

// take records one option with its words.
func (p *parser) take(flag string, m match, value string, hasValue bool) {
	o := m.option
	args, ok := p.words(flag, m, value, hasValue)
	if !ok {
		return
	}
	if !o.Repeated {
		p.forget(m)
	}
	p.out.Settings[m.set.Plugin] = append(p.out.Settings[m.set.Plugin], ns.Setting{Option: o.Name, Args: args})
}

// words returns the words that belong to a flag, or reports that some are missing.
func (p *parser) words(flag string, m match, value string, hasValue bool) ([]string, bool) {
	o, arity := m.option, m.option.Arity()
	switch {
	case arity == 0 && hasValue && takesWord(o, value):
		if len(p.rest) == 0 {
			p.fail(o, m.set.Plugin, fmt.Sprintf("%s=%s: a word is missing", flag, value), o.Usage())
			return nil, false
		}
		word := p.rest[0]
		p.rest = p.rest[1:]
		return []string{value + " " + word}, true
	case arity == 0 && hasValue:
		return []string{value}, true
	case arity == 0 && len(o.Enum) > 0:
		return []string{o.Enum[0]}, true
	case arity == 0:
		return []string{"true"}, true
	case arity == 1 && hasValue:
		return []string{value}, true
	case hasValue:
		p.fail(o, m.set.Plugin, fmt.Sprintf("%s=%s: the flag takes %d words", flag, value, arity), flag+" "+ArgNames(o))
		return nil, false
	case len(p.rest) < arity:
		p.fail(o, m.set.Plugin, fmt.Sprintf("%s: %s is missing", flag, missing(o, len(p.rest))), flag+" "+ArgNames(o))
		p.rest = nil
		return nil, false
	}
	args := slices.Clone(p.rest[:arity])
	p.rest = p.rest[arity:]
	return args, true
}

// takesWord reports whether a word belongs to the value: the enum of one of nsrun's
// own switches then has it as "value WORD".
func takesWord(o *ns.Option, value string) bool {
	return slices.ContainsFunc(o.Enum, func(e string) bool { return strings.HasPrefix(e, value+" ") })
}

// forget drops an earlier setting of an option that counts once: the last wins.
func (p *parser) forget(m match) {
	p.out.Settings[m.set.Plugin] = slices.DeleteFunc(p.out.Settings[m.set.Plugin],
		func(s ns.Setting) bool { return s.Option == m.option.Name })
}

// ArgNames returns what help shows behind a flag: "SRC DST", "FILE", or "" for
// a flag without a value.
func ArgNames(o *ns.Option) string {
	switch {
	case len(o.Args) > 0:
		return strings.Join(o.Args, " ")
	case o.Arity() == 0:
		return ""
	case len(o.Enum) > 0:
		return strings.Join(o.Enum, "|")
	}
	return strings.ToUpper(string(o.Type))
}

func missing(o *ns.Option, have int) string {
	names := strings.Fields(ArgNames(o))
	if have < len(names) {
		return strings.Join(names[have:], " and ")
	}
	return "a value"
}
