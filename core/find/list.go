// SPDX-License-Identifier: Apache-2.0

package find

import (
	"errors"
	"os"
	"path/filepath"
	"slices"

	"github.com/nsrun/nsrun/ns"
)

// Candidate is a file that is named like a plugin and stands where plugins are
// looked for.
type Candidate struct {
	Name   string `json:"name"`
	Path   string `json:"path"`
	Source Source `json:"source"`
	// Chosen says that Find returns this one.
	Chosen bool `json:"chosen"`
	// Trusted says that it could be used, if it were chosen.
	Trusted bool `json:"trusted"`
	// Reason says why it isn't chosen, and Hint what would help. Empty if it is.
	Reason string `json:"reason,omitempty"`
	Hint   string `json:"hint,omitempty"`
}

// List returns every candidate in dirs, in rank order and by name within one
// directory. A directory that doesn't exist has none.
func List(dirs Dirs) []Candidate {
	var all []Candidate
	winners := make(map[string]string)
	t := trustOf(dirs.UID)
	defer t.been.close()
	for _, group := range dirs.Groups {
		found := group.list(t, winners)
		for _, c := range found {
			if _, taken := winners[c.Name]; !taken {
				winners[c.Name] = c.Path
			}
		}
		all = append(all, found...)
	}
	return all
}

// list returns the group's candidates. winners holds, by name, the path of the
// candidate that a higher group has.
func (g Group) list(t trust, winners map[string]string) []Candidate {
	var found []Candidate
	for _, dir := range g.Dirs {
		for _, name := range pluginNames(dir) {
			c := Candidate{Name: name, Path: filepath.Join(dir, ns.BinaryPrefix+name), Source: g.Source}
			c.judge(g, t, winners[name])
			found = append(found, c)
		}
	}
	return found
}

// judge fills in whether the candidate would be chosen.
func (c *Candidate) judge(g Group, t trust, winner string) {
	_, err := inspect(c.Name, c.Path, t)
	c.Trusted = err == nil
	paths := distinct(g.paths(c.Name))
	switch refused, ok := errors.AsType[*RefusedError](err); {
	case ok:
		c.Reason, c.Hint = refused.Reason, refused.Hint
	case winner != "":
		c.Reason = "hidden by " + winner
	case !slices.Contains(paths, c.Path):
		c.Reason = "the same file as " + paths[0]
	case len(paths) > 1:
		ambiguous := (&AmbiguousError{Name: c.Name, Source: g.Source, Paths: paths}).diagnostic()
		c.Reason, c.Hint = ambiguous.Summary, ambiguous.Hint
	default:
		c.Chosen = true
	}
}

// installed returns the names of all candidates, each once.
func installed(dirs Dirs) []string {
	var all []string
	for _, dir := range dirs.list() {
		all = append(all, pluginNames(dir)...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// pluginNames returns the NAME of every file nsrun-plugin-NAME in dir, sorted.
func pluginNames(dir string) []string {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil
	}
	var names []string
	for _, e := range entries {
		if name, ok := nameOf(e.Name()); ok {
			names = append(names, name)
		}
	}
	return names
}
