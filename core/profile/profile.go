// SPDX-License-Identifier: Apache-2.0

// Package profile reads profiles: files of flags that --profile stands for.
//
// A profile has one flag on each line. What follows a = is the whole value,
// blanks included; an option with several arguments has them as words. Empty
// lines and those that begin with # mean nothing.
package profile

import (
	_ "embed" // for the profiles that ship
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/nsrun/nsrun/internal/plainfile"
	"github.com/nsrun/nsrun/ns"
)

//go:embed sandbox
var sandbox string

// shipped are the profiles that are part of nsrun, so that there is no way to
// run an nsrun of one version with the sandbox of another.
var shipped = map[string]string{"sandbox": sandbox}

// Profile is a profile that was read.
type Profile struct {
	// Name is what the user called it.
	Name string
	// Path is its file, or "" for one that ships.
	Path string
	// Lines are its flags, in order.
	Lines []Line
}

// Line is a line with a flag.
type Line struct {
	Number int
	// Args are the flag and its words, as on a command line.
	Args []string
}

// Args returns all flags, as on a command line. That of no profile is empty.
func (p *Profile) Args() []string {
	var args []string
	if p != nil {
		for _, l := range p.Lines {
			args = append(args, l.Args...)
		}
	}
	return args
}

// At returns where a line is, for messages: its file, or the name of a profile that
// ships.
func (p *Profile) At(line int) string {
	if p.Path == "" {
		return fmt.Sprintf("profile %s:%d", p.Name, line)
	}
	return fmt.Sprintf("%s:%d", p.Path, line)
}

// Dirs returns the directories in which profiles are looked for, first to last.
// Root's doesn't include one of HOME, which may be another user's.
func Dirs(root bool, home string) []string {
	dirs := []string{"/etc/nsrun/profiles"}
	if !root && filepath.IsAbs(home) {
		dirs = append(dirs, filepath.Join(home, ".config/nsrun/profiles"))
	}
	return dirs
}

// Read reads the profile name: the first file of that name in dirs, or the one
// that ships. A name with a slash is a file. The error joins *ns.Diagnostic for all
// lines that are no flag.
func Read(name string, dirs []string) (*Profile, error) {
	p := &Profile{Name: name}
	text, err := p.find(dirs)
	if err != nil {
		return nil, err
	}
	var errs []error
	for i, line := range strings.Split(text, "\n") {
		words, err := split(line)
		if err != nil {
			errs = append(errs, &ns.Diagnostic{Option: "profile", Summary: fmt.Sprintf("read %s: %v", p.At(i+1), err), Detail: strings.TrimSpace(line),
				Hint: "one flag of nsrun or of a plugin on each line, with its arguments"})
			continue
		}
		if len(words) > 0 {
			p.Lines = append(p.Lines, Line{Number: i + 1, Args: words})
		}
	}
	return p, errors.Join(errs...)
}

// maxFile is the largest file in bytes, more than a person writes.
const maxFile = 1 << 20

func (p *Profile) find(dirs []string) (string, error) {
	files := []string{p.Name}
	if !strings.Contains(p.Name, "/") {
		if !ns.ValidName(p.Name) {
			return "", p.unknown(dirs, "names are lower-case letters, digits and hyphens; a file is given with a slash: ./"+p.Name)
		}
		files = nil
		for _, dir := range dirs {
			files = append(files, filepath.Join(dir, p.Name))
		}
	}
	for _, file := range files {
		text, err := plainfile.ReadText(file, maxFile)
		if err == nil {
			p.Path = file
			return string(text), nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return "", &ns.Diagnostic{Option: "profile", Summary: fmt.Sprintf("--profile %s: %v", p.Name, err), Hint: "a file with one flag of nsrun or of a plugin on each line"}
		}
	}
	if text, ok := shipped[p.Name]; ok {
		return text, nil
	}
	return "", p.unknown(dirs, "looked for in "+strings.Join(files, ", "))
}

func (p *Profile) unknown(dirs []string, detail string) *ns.Diagnostic {
	return &ns.Diagnostic{Option: "profile", Summary: "--profile " + p.Name + ": there is no such profile", Detail: detail,
		Hint: "--profile " + strings.Join(Names(dirs), ", ") + ", or a file with a slash in its name"}
}

// Names returns the names of all profiles, in order.
func Names(dirs []string) []string {
	var names []string
	for name := range shipped {
		names = append(names, name)
	}
	for _, dir := range dirs {
		entries, _ := os.ReadDir(dir)
		for _, e := range entries {
			if ns.ValidName(e.Name()) {
				names = append(names, e.Name())
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// early are flags that are read before a profile could be, or that say what to
// do with the command line as a whole.
var early = []string{"profile", "plugin-dir", "locked", "no-cache", "debug", "timings", "version", "help"}

// split returns the words of one line.
func split(line string) ([]string, error) {
	line = strings.TrimSpace(line)
	if line == "" || line[0] == '#' {
		return nil, nil
	}
	if line[0] != '-' || strings.HasPrefix(line, "-- ") || line == "--" {
		return nil, errors.New("not a flag")
	}
	words := strings.Fields(line)
	name, _, hasValue := strings.Cut(words[0], "=")
	if slices.Contains(early, strings.TrimLeft(name, "-")) {
		return nil, errors.New(name + " can't stand in a profile")
	}
	if hasValue {
		return []string{line}, nil
	}
	return words, nil
}
