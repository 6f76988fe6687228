// SPDX-License-Identifier: Apache-2.0

package core

import (
	"context"

	"github.com/nsrun/nsrun/core/find"
	"github.com/nsrun/nsrun/ns"
)

// Installed returns what the plugins that --plugins could choose say of
// themselves. Those that can't be found or described are left out.
func (s *Session) Installed(ctx context.Context) []*ns.Descriptor {
	var plugins []find.Plugin
	for _, c := range find.List(s.dirs) {
		if !c.Chosen {
			continue
		}
		if p, err := find.Find(c.Name, s.dirs); err == nil {
			plugins = append(plugins, p)
		}
	}
	found := make([]*ns.Descriptor, len(plugins))
	sideBySide(len(plugins), func(i int) error {
		all, err := s.descriptors(ctx, plugins[i:i+1])
		if err == nil {
			found[i] = all[0]
		}
		return err
	})
	var described []*ns.Descriptor
	for _, d := range found {
		if d != nil {
			described = append(described, d)
		}
	}
	return described
}

// UseDirs makes the session look for plugins in these directories first, then
// in the standard places.
func (s *Session) UseDirs(pluginDirs []string) (err error) {
	s.dirs, err = find.Standard(pluginDirs)
	return err
}

// Candidates returns every file that is named like a plugin and stands where
// plugins are looked for.
func (s *Session) Candidates() []find.Candidate { return find.List(s.dirs) }

// Find returns the plugin that --plugins NAME would choose.
func (s *Session) Find(name string) (find.Plugin, error) { return find.Find(name, s.dirs) }

// DescribeNamed returns what the plugin that --plugins NAME would choose says of
// itself.
func (s *Session) DescribeNamed(ctx context.Context, name string) (*ns.Descriptor, error) {
	p, err := find.Find(name, s.dirs)
	if err != nil {
		return nil, err
	}
	all, err := s.descriptors(ctx, []find.Plugin{p})
	if err != nil {
		return nil, err
	}
	return all[0], nil
}
