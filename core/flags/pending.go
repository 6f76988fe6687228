// SPDX-License-Identifier: Apache-2.0

package flags

import (
	"strings"

	"github.com/nsrun/nsrun/ns"
)

// Pending is where a command line that is being typed has got to.
type Pending struct {
	// Option is the one whose arguments are still to come, or nil.
	Option *ns.Option
	// Have are the arguments that it has got already.
	Have []string
	// Command is the number of words before the command, or -1 if it hasn't begun.
	Command int
}

// Await says what is to follow args, the words typed so far.
func Await(args []string, sets []Set) Pending {
	p := parser{sets: sets, rest: args, out: Parsed{Settings: map[string][]ns.Setting{}}}
	for len(p.rest) > 0 {
		word := p.rest[0]
		if word == "--" {
			return Pending{Command: len(args) - len(p.rest) + 1}
		}
		if len(word) < 2 || word[0] != '-' {
			return Pending{Command: len(args) - len(p.rest)}
		}
		p.rest = p.rest[1:]
		if o := p.option(word); o != nil && o.Arity() > len(p.rest) {
			return Pending{Option: o, Have: p.rest, Command: -1}
		}
		p.flag(word)
	}
	return Pending{Command: -1}
}

// option returns the option that a flag without a value in the same word names.
func (p *parser) option(word string) *ns.Option {
	if strings.Contains(word, "=") {
		return nil
	}
	found := p.named(strings.TrimPrefix(word, "--"))
	if !strings.HasPrefix(word, "--") {
		found = p.lookup(func(_ *Set, o *ns.Option) bool { return "-"+o.Short == word })
	}
	if len(found) != 1 {
		return nil
	}
	return found[0].option
}

// Named returns the options that --name may mean, in its short or its long form.
func Named(name string, sets []Set) []*ns.Option {
	p := parser{sets: sets}
	var options []*ns.Option
	for _, m := range p.named(name) {
		options = append(options, m.option)
	}
	return options
}
