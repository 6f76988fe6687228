// SPDX-License-Identifier: Apache-2.0

package core

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/nsrun/nsrun/core/find"
	"github.com/nsrun/nsrun/ns"
)

// userBackends are who fills net for an ordinary user who doesn't say who is to,
// best first: the plugin net needs root, since it makes interfaces on the host.
var userBackends = []string{"pasta", "slirp4netns"}

// chooseBackends decides who fills the kinds for which the user named nobody and
// the plugin of that name can't, for this caller.
func (s *Session) chooseBackends(ctx context.Context, choices []Choice) error {
	for i := range choices {
		c := &choices[i]
		if c.Kind != ns.Net || !c.Default || s.Facts.Root() {
			continue
		}
		name, err := s.firstThatWorks(ctx, userBackends)
		if err != nil {
			return err
		}
		c.Name = name
		if err := clash(slices.Delete(slices.Clone(choices), i, i+1), *c); err != nil {
			return err
		}
	}
	return nil
}

// firstThatWorks returns the first of the plugins that can work on this host for
// this caller, by its own account. The error says of each why it can't.
func (s *Session) firstThatWorks(ctx context.Context, names []string) (string, error) {
	var causes, hints []string
	for _, name := range names {
		err := s.check(ctx, name)
		if err == nil {
			return name, nil
		}
		for _, d := range ns.Diagnose(err) {
			causes = append(causes, name+": "+d.Summary)
			hints = append(hints, d.Hint)
		}
	}
	return "", &ns.Diagnostic{
		Option:  "plugins",
		Summary: fmt.Sprintf("--plugins net: neither %s can work for an ordinary user here", strings.Join(names, " nor ")),
		Detail:  strings.Join(causes, "; "),
		Hint:    strings.Join(append(slices.Compact(hints), "or --plugins net=none, which has lo only"), "; "),
	}
}

// check asks a plugin whether it can work. Warnings don't matter.
func (s *Session) check(ctx context.Context, name string) error {
	p, err := find.Find(name, s.dirs)
	if err != nil {
		return err
	}
	diagnostics, err := s.Host.Check(ctx, p, s.Facts)
	return errors.Join(append(problems(name, diagnostics), err)...)
}
