// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// lookup says which network to take.
type lookup struct {
	// network is a network's name, or a file if it looks like one.
	network string
	// dir is the directory in which names are looked up.
	dir string
	// cwd is what a relative file is relative to.
	cwd string
}

// isFile reports whether the network is given by file: by a path, or by the
// suffix that such files have.
func (l lookup) isFile() bool {
	return strings.Contains(l.network, "/") || slices.Contains(confSuffixes, filepath.Ext(l.network))
}

// confSuffixes are the suffixes of configurations, lists first as libcni has it.
var confSuffixes = []string{".conflist", ".conf", ".json"}

// find reads the network's configuration. See readConflist for the faults.
func (l lookup) find() (*conflist, []*fault) {
	if l.isFile() {
		file := l.network
		if !filepath.IsAbs(file) {
			file = filepath.Join(l.cwd, file)
		}
		return readConflist(file)
	}
	file, err := l.byName()
	if err != nil {
		return nil, []*fault{err}
	}
	return readConflist(file)
}

// byName returns the first file, in the order of names, that configures the
// network. Broken files of other networks don't matter.
func (l lookup) byName() (string, *fault) {
	var names []string
	for _, file := range l.files() {
		name := networkName(file)
		if name == l.network {
			return file, nil
		}
		if name != "" && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return "", l.notFound(names)
}

// files lists the directory's configurations, lists first.
func (l lookup) files() []string {
	var files []string
	for _, suffix := range confSuffixes {
		some, _ := filepath.Glob(filepath.Join(l.dir, "*"+suffix))
		files = append(files, some...)
	}
	return files
}

// notFound explains that there is no such network, and which there are.
func (l lookup) notFound(names []string) *fault {
	f := &fault{file: l.dir, err: fmt.Errorf("no network %q", l.network), hint: "leave out --network for a bridge of nsrun's own"}
	if _, err := os.Stat(l.dir); err != nil {
		f.err = fmt.Errorf("no network %q, since the directory can't be read: %w", l.network, err)
		f.hint = "--cni-conf-dir DIR, --network ./FILE.conflist, or none of these for a bridge of nsrun's own"
		return f
	}
	if len(names) > 0 {
		f.hint = "one of those that are there: " + strings.Join(names, ", ")
	}
	return f
}

// networkName returns the name in a configuration, or "" if it can't be read.
func networkName(file string) string {
	text, err := os.ReadFile(file)
	if err != nil {
		return ""
	}
	var c struct {
		Name string `json:"name"`
	}
	if json.Unmarshal(text, &c) != nil {
		return ""
	}
	return c.Name
}
