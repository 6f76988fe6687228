// SPDX-License-Identifier: Apache-2.0

// Package report writes what nsrun and nsctl say to people: diagnostics, plans,
// help and timings.
//
// The rules: all of it goes to standard error, except what a command was asked
// to print; three lines at most for a problem; no capital at the start, no full
// stop at the end; nothing that a plugin says can move the cursor.
package report

import (
	"fmt"
	"io"
	"strings"
	"unicode"

	"github.com/nsrun/nsrun/ns"
)

// Diagnostic writes d in three lines at most, the first behind the program's name.
func Diagnostic(w io.Writer, program string, d *ns.Diagnostic) {
	var b strings.Builder
	b.WriteString(program + ": ")
	if d.Severity == ns.Warning || d.Severity == ns.Notice {
		b.WriteString(string(d.Severity) + ": ")
	}
	b.WriteString(clean(d.Error()) + "\n")
	if d.Detail != "" {
		b.WriteString("  cause: " + clean(d.Detail) + "\n")
	}
	if d.Hint != "" {
		b.WriteString("  try:   " + clean(d.Hint) + "\n")
	}
	io.WriteString(w, b.String())
}

// Diagnostics writes each of ds once: several plugins can meet the same trouble.
func Diagnostics(w io.Writer, program string, ds []ns.Diagnostic) {
	told := map[ns.Diagnostic]bool{}
	for _, d := range ds {
		if !told[d] {
			Diagnostic(w, program, &d)
		}
		told[d] = true
	}
}

// maxLine bounds what a plugin can fill the screen with.
const maxLine = 2000

// clean makes s one line without control characters.
func clean(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return ' '
		case unicode.IsControl(r) || !unicode.IsPrint(r) && r != ' ':
			return '?'
		}
		return r
	}, strings.TrimSpace(s))
	if len(s) > maxLine {
		s = fmt.Sprintf("%s... (%d bytes)", s[:maxLine], len(s))
	}
	return s
}
