// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"github.com/nsrun/nsrun/ns"
	"github.com/nsrun/nsrun/nsplugin"
	"github.com/nsrun/nsrun/nsplugin/nstoml"
)

// definition is the TOML file: what the plugin is, and what to run.
type definition struct {
	Name     string     `toml:"name"`
	Version  string     `toml:"version"`
	Summary  string     `toml:"summary"`
	Kinds    []ns.Kind  `toml:"kinds"`
	Hooks    []ns.Point `toml:"hooks"`
	Features []string   `toml:"features"`
	Check    bool       `toml:"check"`
	Review   bool       `toml:"review"`
	Script   string     `toml:"script"`
	Command  []string   `toml:"command"`
	Options  []option   `toml:"option"`

	path    string // of the file, for messages
	file    *nstoml.File
	program string // of the command, "" for a script
}

// option is ns.Option with the keys of the file.
type option struct {
	Name       string        `toml:"name"`
	Short      string        `toml:"short"`
	Type       ns.OptionType `toml:"type"`
	Args       []string      `toml:"args"`
	Help       string        `toml:"help"`
	Default    string        `toml:"default"`
	Enum       []string      `toml:"enum"`
	Repeated   bool          `toml:"repeated"`
	Required   bool          `toml:"required"`
	Sensitive  bool          `toml:"sensitive"`
	Deprecated string        `toml:"deprecated"`
	Env        string        `toml:"env"`
}

// maxFile is the largest file in bytes: what a message may hold, and more than a
// person writes.
const maxFile = 1 << 20

// open reads the definition at path. nsrun has checked and opened the file, and
// names the descriptor; what is read is what was checked. The definition is
// returned with an error too, for messages.
func open(path string) (*definition, error) {
	f, err := os.Open(path)
	if err != nil {
		return &definition{path: path}, nsplugin.Errorf("read plugin: %w", err)
	}
	defer f.Close()
	real := path
	if fd, ok := strings.CutPrefix(path, "/proc/self/fd/"); ok {
		if n, err := strconv.Atoi(fd); err == nil {
			syscall.CloseOnExec(n) // it is not for the program
		}
		if target, err := os.Readlink(path); err == nil {
			real = target
		}
	}
	if real, err = filepath.Abs(real); err != nil {
		return &definition{path: path}, nsplugin.Errorf("read plugin: %w", err)
	}
	text, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err == nil && len(text) > maxFile {
		err = fmt.Errorf("it is larger than %d bytes", maxFile)
	}
	if err != nil {
		return &definition{path: real}, nsplugin.Errorf("read plugin %s: %w", real, err)
	}
	return parse(real, string(text))
}

// parse reads a definition. The error joins all that is wrong, each with its line.
func parse(path, text string) (*definition, error) {
	def := &definition{path: path}
	file, err := nstoml.Decode(path, text, def, "docs/exec-plugins.md has the keys and their types")
	def.file = file
	for i := range def.Options {
		if def.Options[i].Type == "" {
			def.Options[i].Type = ns.String
		}
	}
	return def, errors.Join(append([]error{err}, def.faults(err == nil)...)...)
}

// descriptor returns what the file says of the plugin.
func (def *definition) descriptor() *ns.Descriptor {
	d := &ns.Descriptor{
		Name: def.Name, Version: def.Version, Summary: def.Summary,
		Kinds: def.Kinds, Hooks: def.Hooks, Features: def.Features,
	}
	if def.Review {
		d.Requires = []string{ns.FeatureReview}
	}
	for _, o := range def.Options {
		d.Options = append(d.Options, ns.Option(o))
	}
	return d
}

// absent reports whether a fault is that there is nothing.
func absent(fault string) bool {
	return strings.HasSuffix(fault, " is missing") || strings.HasSuffix(fault, `""`)
}

// faults returns what is wrong with the values of the file. What is missing counts only if
// the file is whole: otherwise a value with a fault of another kind may be what is missing.
func (def *definition) faults(whole bool) []error {
	var errs []error
	for _, d := range ns.CheckDescriptor(def.descriptor()) {
		summary := strings.TrimPrefix(d.Summary, "read descriptor: ")
		if !whole && absent(summary) {
			continue
		}
		errs = append(errs, def.fault(keyOf(summary), "%s", summary))
	}
	switch {
	case !whole && def.Script == "" && len(def.Command) == 0:
	case def.Script == "" && len(def.Command) == 0:
		errs = append(errs, def.fault("", "neither script nor command says what to run").
			WithHint(`command = ["./program"], or script = '''...'''`))
	case def.Script != "" && len(def.Command) > 0:
		errs = append(errs, def.fault("command", "script and command exclude each other").
			WithHint("leave one out"))
	case len(def.Command) > 0:
		errs = append(errs, def.findProgram()...)
	}
	return errs
}

// fault returns an error at the line of a key, or of the file as a whole.
func (def *definition) fault(key, format string, args ...any) *ns.Diagnostic {
	return nsplugin.Errorf("read %s:%d: %w", def.path, def.file.Line(key), fmt.Errorf(format, args...)).
		WithHint(def.file.Hint)
}

var optionFault = regexp.MustCompile(`^option (\d+) \(`)

// keyOf returns the key that a fault of the descriptor is about: that of the option
// by its number, or the word that the fault begins with.
func keyOf(fault string) string {
	if m := optionFault.FindStringSubmatch(fault); m != nil {
		n, _ := strconv.Atoi(m[1])
		return fmt.Sprintf("option.%d", n-1)
	}
	word, _, _ := strings.Cut(fault, " ")
	return word
}

// findProgram resolves the command's program: a name with a slash is seen from
// the file. PATH is the caller's, so nothing is looked for there.
func (def *definition) findProgram() []error {
	name := def.Command[0]
	switch {
	case filepath.IsAbs(name):
		def.program = filepath.Clean(name)
	case strings.HasPrefix(name, "./"):
		def.program = filepath.Join(filepath.Dir(def.path), name)
	default:
		return []error{def.fault("command", "command %q is neither an absolute path nor one beside the file", name).
			WithHint("./" + name + ", for a program that lies beside the file")}
	}
	return nil
}

// knows reports whether the program is called at a point of the run.
func (def *definition) knows(at ns.Point) bool {
	d := def.descriptor()
	switch at {
	case ns.CheckRun:
		return slices.Contains(d.Features, ns.FeatureCheckRun)
	case ns.Update:
		return slices.ContainsFunc(d.Features, func(f string) bool { return strings.HasPrefix(f, ns.FeatureUpdate) })
	}
	return slices.Contains(d.Hooks, at)
}
