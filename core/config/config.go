// SPDX-License-Identifier: Apache-2.0

// Package config holds what configuration files say: which plugins a run has
// without --plugins, which it must have and may not have, and what their options are
// without a flag. Reading the files is package decode's part, which links a TOML
// library; this one is linked into the front.
package config

import (
	"fmt"
	"path/filepath"

	"github.com/nsrun/nsrun/core/find"
	"github.com/nsrun/nsrun/ns"
)

// SystemPath is the file that holds for everybody.
const SystemPath = "/etc/nsrun/config.toml"

// Source is a file that exists.
type Source struct {
	Path string `json:"path"`
	// System says that it holds for everybody, and must be root's.
	System bool `json:"system,omitempty"`
	// Identity says which state of the file is meant.
	Identity find.Identity `json:"identity"`
}

// Paths returns where configuration files are for a caller, the one that others
// override first. Root has no file of its own: HOME may be another user's, as under
// sudo(8).
func Paths(uid int, getenv func(string) string) []string {
	paths := []string{SystemPath}
	dir := getenv("XDG_CONFIG_HOME")
	if home := getenv("HOME"); dir == "" && home != "" {
		dir = filepath.Join(home, ".config")
	}
	if uid != 0 && filepath.IsAbs(dir) {
		paths = append(paths, filepath.Join(dir, "nsrun", "config.toml"))
	}
	return paths
}

// File is a configuration file that was read.
type File struct {
	Source
	// Plugins are those of a run without --plugins. Empty: the file doesn't say.
	Plugins []Entry `json:"plugins,omitempty"`
	// Required and Forbidden are the plugins that a run must have and can't have.
	Required  []Entry `json:"required,omitempty"`
	Forbidden []Entry `json:"forbidden,omitempty"`
	// Options are those that are given, in the order of the file.
	Options []Option `json:"options,omitempty"`
}

// Entry is an entry of a list of plugins.
type Entry struct {
	Text string `json:"text"`
	Line int    `json:"line"`
}

// Option is an option that a file gives.
type Option struct {
	// Scope is the plugin, or the kind that it fills; empty for nsrun's own.
	Scope string `json:"scope,omitempty"`
	Name  string `json:"name"`
	// Values holds the arguments of each time that the option is given.
	Values [][]string `json:"values"`
	Line   int        `json:"line"`
}

// Key returns the option's name in the file, with its table.
func (o *Option) Key() string {
	if o.Scope == "" {
		return "nsrun." + o.Name
	}
	return "options." + o.Scope + "." + o.Name
}

// Settings returns the option as the command line would give it.
func (o *Option) Settings() []ns.Setting {
	var settings []ns.Setting
	for _, args := range o.Values {
		settings = append(settings, ns.Setting{Option: o.Name, Args: args})
	}
	return settings
}

// At returns where a line of the file is, for messages.
func (f *File) At(line int) string { return fmt.Sprintf("%s:%d", f.Path, line) }

// Errorf returns an error about a key at a line of the file.
func (f *File) Errorf(line int, key, format string, args ...any) *ns.Diagnostic {
	return &ns.Diagnostic{
		Summary: fmt.Sprintf("read %s: %s: %s", f.At(line), key, fmt.Sprintf(format, args...)),
		Hint:    Hint,
	}
}

// Hint says what to do about an error for which there is nothing better to say.
const Hint = "docs/configuration.md has the keys and their values; nsctl config check looks at all of them"
