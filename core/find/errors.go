// SPDX-License-Identifier: Apache-2.0

package find

import (
	"strings"

	"github.com/nsrun/nsrun/ns"
)

// The errors of this package are typed for code that branches, and each unwraps
// to the *ns.Diagnostic to show, so errors.As finds either.

// NotFoundError says that no directory holds a plugin of the name.
type NotFoundError struct {
	Name    string
	Dirs    []string // where it was looked for, in rank order
	Similar []string // names of installed plugins that look like it
	Ignored string   // directories that weren't read, and why
}

// Error returns the first line of the diagnostic.
func (e *NotFoundError) Error() string { return e.diagnostic().Error() }

// Unwrap returns the *ns.Diagnostic to show.
func (e *NotFoundError) Unwrap() error { return e.diagnostic() }

func (e *NotFoundError) diagnostic() *ns.Diagnostic {
	detail := "no " + ns.BinaryPrefix + e.Name + " in " + strings.Join(e.Dirs, ", ")
	if e.Ignored != "" {
		detail += "; not read: " + e.Ignored
	}
	hint := "nsctl plugin list shows what is installed; --plugin-dir DIR adds a place to look"
	if len(e.Similar) > 0 {
		hint = "did you mean " + strings.Join(e.Similar, " or ") + "?"
	}
	return &ns.Diagnostic{
		Plugin:  e.Name,
		Summary: "find plugin: not installed",
		Detail:  detail,
		Hint:    hint,
	}
}

// AmbiguousError says that two files of the same rank could be meant.
type AmbiguousError struct {
	Name   string
	Source Source
	Paths  []string
}

// Error returns the first line of the diagnostic.
func (e *AmbiguousError) Error() string { return e.diagnostic().Error() }

// Unwrap returns the *ns.Diagnostic to show.
func (e *AmbiguousError) Unwrap() error { return e.diagnostic() }

func (e *AmbiguousError) diagnostic() *ns.Diagnostic {
	return &ns.Diagnostic{
		Plugin:  e.Name,
		Summary: "find plugin: ambiguous, " + strings.Join(e.Paths, " or "),
		Detail:  "both are found by the same rule (" + string(e.Source) + ")",
		Hint:    "name one: --plugins " + e.Name + "=" + e.Paths[0] + ", or remove the other",
	}
}

// RefusedError says that a file was found but can't be used: it isn't a
// program, or somebody else could have written it.
type RefusedError struct {
	Name   string
	Path   string
	Reason string
	Hint   string
	Err    error // the system's error behind it, or nil
}

// Error returns the first line of the diagnostic.
func (e *RefusedError) Error() string { return e.diagnostic().Error() }

// Unwrap returns the *ns.Diagnostic to show, and the system's error if there is one.
func (e *RefusedError) Unwrap() []error {
	if e.Err == nil {
		return []error{e.diagnostic()}
	}
	return []error{e.diagnostic(), e.Err}
}

func (e *RefusedError) diagnostic() *ns.Diagnostic {
	return &ns.Diagnostic{
		Plugin:  e.Name,
		Summary: "refuse plugin " + e.Path + ": " + e.Reason,
		Hint:    e.Hint,
	}
}

// badName is the diagnostic for what can't be the name of a plugin.
func badName(name string) error {
	if len(name) > 2*ns.MaxName {
		name = name[:2*ns.MaxName] + "..."
	}
	return &ns.Diagnostic{
		Summary: "find plugin " + quote(name) + ": not a plugin name",
		Detail:  "names are lower-case letters, digits and hyphens, 32 at most",
		Hint:    "a plugin outside the usual directories is given as an absolute path",
	}
}
