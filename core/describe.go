// SPDX-License-Identifier: Apache-2.0

package core

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/nsrun/nsrun/core/cache"
	"github.com/nsrun/nsrun/core/find"
	"github.com/nsrun/nsrun/core/flags"
	"github.com/nsrun/nsrun/ns"
)

// describeKey finds descriptors in the cache.
type describeKey struct {
	Describe int           `json:"describe"`
	Plugins  []find.Plugin `json:"plugins"`
}

// describe fills in the members' descriptors, from the cache if their binaries
// are unchanged, and what each member owns.
func (s *Session) describe(ctx context.Context, members []*Member) error {
	descriptors, err := s.descriptors(ctx, pluginsOf(members))
	if err != nil {
		return err
	}
	var errs []error
	for i, m := range members {
		m.Descriptor = descriptors[i]
		errs = append(errs, m.settleOwns())
	}
	return errors.Join(append(errs, checkOwners(members))...)
}

func pluginsOf(members []*Member) []find.Plugin {
	plugins := make([]find.Plugin, len(members))
	for i, m := range members {
		plugins[i] = m.Plugin
	}
	return plugins
}

// descriptors asks all plugins side by side what they are.
func (s *Session) descriptors(ctx context.Context, plugins []find.Plugin) ([]*ns.Descriptor, error) {
	key := describeKey{Describe: ns.PlanVersion, Plugins: plugins}
	var descriptors []*ns.Descriptor
	if s.Cache.Get(key, &descriptors) && len(descriptors) == len(plugins) {
		return descriptors, nil
	}
	descriptors = make([]*ns.Descriptor, len(plugins))
	err := sideBySide(len(plugins), func(i int) (err error) {
		descriptors[i], err = s.Host.Describe(ctx, plugins[i])
		return err
	})
	if err != nil {
		return nil, err
	}
	s.keep(s.Cache, "descriptors", key, descriptors, cache.Files{})
	return descriptors, nil
}

// atOnce is how many plugins are asked at once. All that are installed, on a slow machine,
// would keep each other from answering in time.
const atOnce = 8

// sideBySide calls f(0) to f(n-1), [atOnce] at a time, and joins their errors, in that order.
func sideBySide(n int, f func(i int) error) error {
	errs := make([]error, n)
	turns := make(chan struct{}, atOnce)
	var all sync.WaitGroup
	for i := range n {
		turns <- struct{}{}
		all.Go(func() {
			errs[i] = f(i)
			<-turns
		})
	}
	all.Wait()
	return errors.Join(errs...)
}

// settleOwns decides which kinds a member owns: the one it was chosen for, or
// all that it can own if it was chosen by name.
func (m *Member) settleOwns() error {
	if m.Kind == "" {
		m.Owns = m.Descriptor.Kinds
		return nil
	}
	m.Owns = []ns.Kind{m.Kind}
	if !m.Descriptor.Owns(m.Kind) {
		return &ns.Diagnostic{Plugin: m.Name, Option: "plugins",
			Summary: fmt.Sprintf("the plugin can't fill %s", m.Kind),
			Detail:  fmt.Sprintf("%s says that it owns %s", m.Plugin.Path, cmp.Or(ns.JoinKinds(m.Descriptor.Kinds, ", "), "no kind")),
			Hint:    "nsctl plugin list shows which plugin fills which kind"}
	}
	return nil
}

// checkOwners returns an error for each kind that two members would own.
func checkOwners(members []*Member) error {
	owner := map[ns.Kind]string{}
	var errs []error
	for _, m := range members {
		for _, k := range m.Owns {
			if first, taken := owner[k]; taken && first != m.Name {
				errs = append(errs, &ns.Diagnostic{Option: "plugins",
					Summary: fmt.Sprintf("plugins %s and %s both own the %s namespace", first, m.Name, k),
					Hint:    fmt.Sprintf("leave one out, or choose with %s=%s or %s=%s", k, first, k, m.Name)})
			}
			owner[k] = m.Name
		}
	}
	return errors.Join(errs...)
}

// explainUnknown adds to each unknown flag what the user may have meant: a flag
// spelled nearly the same, or the plugin that has it and wasn't chosen.
func (s *Session) explainUnknown(ctx context.Context, err error, members []*Member) error {
	var errs []error
	for _, e := range ns.Flatten(err) {
		var unknown *flags.Unknown
		if errors.As(e, &unknown) {
			e = s.explainFlag(ctx, unknown, members)
		}
		errs = append(errs, e)
	}
	return errors.Join(errs...)
}

func (s *Session) explainFlag(ctx context.Context, unknown *flags.Unknown, members []*Member) error {
	d := &ns.Diagnostic{Summary: unknown.Error(), Hint: "nsrun --help shows all flags of the chosen plugins"}
	if unknown.Like != "" {
		d.Hint = "did you mean " + unknown.Like + "?"
	}
	if member, rivals := s.rivals(ctx, unknown.Flag, members); member != nil {
		explainRivals(d, member, rivals)
	} else if owner := s.whoHas(ctx, unknown.Flag, members); owner != nil {
		d.Detail = fmt.Sprintf("the flag belongs to the plugin %s, which this run does not have", owner.Name)
		d.Hint = "add " + owner.Selector() + " to --plugins"
	}
	return d
}

// whoHas returns an installed plugin, not among members, that has the flag. A
// plugin with the name of a kind is that kind's first choice, so it goes first.
func (s *Session) whoHas(ctx context.Context, flag string, members []*Member) *ns.Descriptor {
	installed := s.Installed(ctx)
	slices.SortStableFunc(installed, func(a, b *ns.Descriptor) int { return kindFirst(a) - kindFirst(b) })
	for _, d := range installed {
		isMember := slices.ContainsFunc(members, func(m *Member) bool { return m.Name == d.Name })
		if !isMember && hasFlag(d, flag) {
			return d
		}
	}
	return nil
}

func kindFirst(d *ns.Descriptor) int {
	if ns.Kind(d.Name).Valid() {
		return 0
	}
	return 1
}

func hasFlag(d *ns.Descriptor, flag string) bool {
	return slices.ContainsFunc(d.Options, func(o ns.Option) bool {
		return flag == "--"+o.Name || flag == "--"+d.Scope()+"."+o.Name || o.Short != "" && flag == "-"+o.Short
	})
}
