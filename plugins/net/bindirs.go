// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// binDirs are the directories in which CNI plugins are looked for, in order.
type binDirs []string

// findBinDirs returns the directories of the CNI plugins: bundled is that of those
// that come with nsrun, and more are the user's.
func findBinDirs(bundled string, more []string) binDirs {
	if bundled == "" {
		bundled = besideProgram()
	}
	var dirs binDirs
	if info, err := os.Stat(bundled); err == nil && info.IsDir() {
		dirs = append(dirs, bundled)
	}
	return append(dirs, more...)
}

// besideProgram returns the directory cni beside the directory of this program,
// whose name may be a symbolic link: libexec/nsrun/cni for libexec/nsrun/plugins.
func besideProgram() string {
	self, err := os.Executable()
	if err != nil {
		return ""
	}
	if real, err := filepath.EvalSymlinks(self); err == nil {
		self = real
	}
	return filepath.Join(filepath.Dir(self), "..", "cni")
}

// find returns the path of the CNI plugin called name.
func (d binDirs) find(name string) (string, error) {
	if !pluginType.MatchString(name) {
		return "", fmt.Errorf("%q is no file name", name)
	}
	for _, dir := range d {
		path := filepath.Join(dir, name)
		info, err := os.Stat(path)
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			return "", fmt.Errorf("stat %s: %w", path, errors.Unwrap(err))
		}
		return path, usable(path, info)
	}
	return "", fmt.Errorf("no CNI plugin %q in %s", name, d)
}

// String lists the directories.
func (d binDirs) String() string {
	if len(d) == 0 {
		return "any directory, since none is known"
	}
	return strings.Join(d, ", ")
}

// usable returns an error for a file that can't, or must not, be run as root.
func usable(path string, info os.FileInfo) error {
	switch {
	case !info.Mode().IsRegular():
		return fmt.Errorf("%s is no file", path)
	case info.Mode().Perm()&0o111 == 0:
		return fmt.Errorf("%s is not executable", path)
	case info.Mode().Perm()&0o002 != 0:
		return fmt.Errorf("%s can be written by anybody, so that it is not run as root", path)
	}
	return nil
}

// has lists the CNI plugins that are there, by name.
func (d binDirs) has() []string {
	var names []string
	for _, dir := range d {
		entries, _ := os.ReadDir(dir)
		for _, e := range entries {
			info, err := e.Info()
			if err == nil && info.Mode().IsRegular() && info.Mode().Perm()&0o111 != 0 {
				names = append(names, e.Name())
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}
