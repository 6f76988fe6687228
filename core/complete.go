// SPDX-License-Identifier: Apache-2.0

package core

import (
	"context"
	"slices"
	"strings"

	"github.com/nsrun/nsrun/core/flags"
	"github.com/nsrun/nsrun/core/profile"
	"github.com/nsrun/nsrun/ns"
)

// Candidate is a word that a command line can go on with.
type Candidate struct {
	Word string
	Help string
}

// Completion is how a command line can go on.
type Completion struct {
	Candidates []Candidate
	// Files says that the name of a file fits.
	Files bool
	// Command is the number of words before the command if that has begun, or begins
	// with the word at hand, and else -1.
	Command int
}

// Complete says how nsrun's command line goes on that consists of args and, at its
// end, the beginning of a word. Flags are those of nsrun and of the plugins chosen so
// far; what is wrong with the line is left for a run to say.
func (s *Session) Complete(ctx context.Context, args []string, word string) Completion {
	preview := Glance(args)
	_ = s.UseDirs(preview.values("plugin-dir"))
	_ = s.Configure(ctx)
	sets := flagSets(s.chosen(ctx, preview))
	at := flags.Await(args, sets)
	flag, value, assigned := strings.Cut(word, "=")
	switch {
	case at.Command >= 0:
		return Completion{Command: at.Command}
	case at.Option != nil:
		return s.completeValue(ctx, at.Option, word)
	case strings.HasPrefix(word, "--") && assigned:
		if found := flags.Named(flag[2:], sets); len(found) == 1 {
			return s.completeValue(ctx, found[0], value).behind(flag + "=")
		}
	case strings.HasPrefix(word, "-"):
		return completeFlag(sets, word)
	default:
		return Completion{Command: len(args)}
	}
	return Completion{Command: -1}
}

// chosen returns the members that the line has chosen so far, as many as can be found.
func (s *Session) chosen(ctx context.Context, preview Preview) []*Member {
	base, _ := s.profile(preview)
	lists := append(preview.values("plugins"), Preview(base.Args()).values("plugins")...)
	choices, _ := s.choices(lists)
	var found []*Member
	for _, c := range s.addUser(choices) {
		if members, err := s.locate([]Choice{c}); err == nil && s.describe(ctx, members) == nil {
			found = append(found, members...)
		}
	}
	return found
}

// completeFlag returns the flags that begin with word. The long forms with a scope
// are offered once a dot is typed.
func completeFlag(sets []flags.Set, word string) Completion {
	c := Completion{Command: -1}
	for _, set := range sets {
		for i := range set.Options {
			o := &set.Options[i]
			names := []string{"--" + o.Name}
			if set.Scope != "" && strings.Contains(word, ".") {
				names = []string{"--" + set.Scope + "." + o.Name}
			}
			if o.Short != "" {
				names = append(names, "-"+o.Short)
			}
			for _, name := range names {
				c.add(name, word, o.Help)
			}
		}
	}
	return c
}

// add adds a candidate if it begins with word.
func (c *Completion) add(candidate, word, help string) {
	if strings.HasPrefix(candidate, word) {
		c.Candidates = append(c.Candidates, Candidate{Word: candidate, Help: help})
	}
}

// behind puts prefix before all candidates.
func (c Completion) behind(prefix string) Completion {
	for i := range c.Candidates {
		c.Candidates[i].Word = prefix + c.Candidates[i].Word
	}
	return c
}

// completeValue returns the values of an option that begin with word.
func (s *Session) completeValue(ctx context.Context, o *ns.Option, word string) Completion {
	c := Completion{Command: -1, Files: o.Type == ns.Path}
	home, _ := lookup(s.Environ, "HOME")
	switch {
	case o.Name == "plugins" && o.Type == ns.String:
		return s.completeChoice(ctx, word)
	case o.Name == "profile" && o.Type == ns.String:
		for _, name := range profile.Names(profile.Dirs(s.Facts.Root(), home)) {
			c.add(name, word, "profile")
		}
		c.Files = strings.Contains(word, "/")
	case len(o.Enum) > 0:
		for _, value := range o.Enum {
			c.add(strings.Fields(value)[0], word, o.Help)
		}
	case o.Type == ns.Bool:
		c.add("true", word, o.Help)
		c.add("false", word, o.Help)
	}
	return c
}

// completeChoice completes the last entry of a list of plugins.
func (s *Session) completeChoice(ctx context.Context, list string) Completion {
	comma := strings.LastIndexByte(list, ',') + 1
	have := strings.Split(list[:comma], ",")
	c := Completion{Command: -1}
	for _, d := range s.Installed(ctx) {
		if !slices.Contains(have, d.Selector()) {
			c.add(d.Selector(), list[comma:], d.Summary)
		}
	}
	return c.behind(list[:comma])
}
