// SPDX-License-Identifier: Apache-2.0

package core

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/nsrun/nsrun/core/flags"
	"github.com/nsrun/nsrun/ns"
)

// Choice is one entry of --plugins: KIND, KIND=NAME, KIND=/PATH or NAME.
type Choice struct {
	// Kind is the namespace that the plugin is to own; empty for NAME alone.
	Kind ns.Kind
	// Name is the plugin's name.
	Name string
	// Path is the plugin's file where the user gave one.
	Path string
	// Default says that the user named the kind and not who fills it.
	Default bool
	// Reason says why the plugin is in the run when the user didn't ask for it.
	Reason string
	// Required is the line of the configuration file that demands the plugin, if one
	// does.
	Required string
	// System says that only the plugin beside nsrun will do, and only if it is root's.
	System bool
}

// DefaultChoices are the plugins of a run without --plugins.
func DefaultChoices() []Choice {
	return []Choice{{Kind: ns.UTS, Name: "uts"}, {Kind: ns.IPC, Name: "ipc"}, {Kind: ns.PID, Name: "pid"}, {Kind: ns.Mount, Name: "mount"}}
}

// ParseChoices reads the value of --plugins. The error joins all that is wrong.
func ParseChoices(list string) ([]Choice, error) {
	var choices []Choice
	var errs []error
	for _, entry := range strings.Split(list, ",") {
		c, err := parseChoice(strings.TrimSpace(entry))
		if err == nil {
			err = clash(choices, c)
		}
		if err != nil {
			errs = append(errs, err)
			continue
		}
		choices = append(choices, c)
	}
	return choices, errors.Join(errs...)
}

func parseChoice(entry string) (Choice, error) {
	left, right, assigned := strings.Cut(entry, "=")
	switch {
	case !assigned && ns.Kind(left).Valid():
		return Choice{Kind: ns.Kind(left), Name: left, Default: true}, nil
	case !assigned && ns.ValidName(left):
		return Choice{Name: left}, nil
	case !assigned:
		return Choice{}, badEntry(entry, "names are lower-case letters, digits and hyphens, at most 32")
	case !ns.Kind(left).Valid():
		return Choice{}, badEntry(entry, left+" is no kind of namespace"+didYouMean(left, kindNames()))
	case filepath.IsAbs(right):
		return pathChoice(entry, ns.Kind(left), right)
	case ns.ValidName(right):
		return Choice{Kind: ns.Kind(left), Name: right}, nil
	}
	return Choice{}, badEntry(entry, right+" is neither a plugin's name nor an absolute path")
}

func pathChoice(entry string, kind ns.Kind, path string) (Choice, error) {
	name, ok := strings.CutPrefix(filepath.Base(path), ns.BinaryPrefix)
	if !ok || !ns.ValidName(name) {
		return Choice{}, badEntry(entry, "a plugin's file is called "+ns.BinaryPrefix+"NAME")
	}
	return Choice{Kind: kind, Name: name, Path: filepath.Clean(path)}, nil
}

func badEntry(entry, why string) error {
	return &ns.Diagnostic{Option: "plugins", Summary: fmt.Sprintf("--plugins: %q is no plugin", entry), Detail: why,
		Hint: "--plugins uts,ipc,pid,mount,user,net, or KIND=NAME to choose who fills a kind"}
}

// clash returns an error if c chooses what an earlier choice has chosen.
func clash(choices []Choice, c Choice) error {
	for _, have := range choices {
		switch {
		case c.Kind != "" && have.Kind == c.Kind && have.Name == c.Name, have.Name == c.Name:
			return &ns.Diagnostic{Option: "plugins", Summary: fmt.Sprintf("--plugins: %s is there twice", c.Name), Hint: "name it once"}
		case c.Kind != "" && have.Kind == c.Kind:
			return &ns.Diagnostic{Option: "plugins", Summary: fmt.Sprintf("--plugins: both %s and %s are to fill %s", have.Name, c.Name, c.Kind),
				Hint: fmt.Sprintf("%s=%s or %s=%s", c.Kind, have.Name, c.Kind, c.Name)}
		}
	}
	return nil
}

func kindNames() []string {
	var names []string
	for _, k := range ns.Kinds() {
		names = append(names, string(k))
	}
	return names
}

func didYouMean(word string, names []string) string {
	if like := flags.Nearest(word, names); like != "" {
		return "; did you mean " + like + "?"
	}
	return ""
}
