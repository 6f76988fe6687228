// SPDX-License-Identifier: Apache-2.0

package nsplugin

import (
	"errors"
	"fmt"

	"github.com/nsrun/nsrun/ns"
)

// Errorf returns an error that refuses the run. The text says what was tried
// and how it ended, "verb object: cause", in lower case without a full stop. An
// error number of the kernel among the operands of %w is kept. Say what to do
// instead with WithHint, why with WithDetail, and whose fault it is with
// WithOption:
//
//	return nil, nsplugin.Errorf("open %s: %w", path, err).
//		WithOption("config").WithHint("--config FILE, with a file that exists")
//
// Several errors are returned together with errors.Join.
func Errorf(format string, args ...any) *ns.Diagnostic { return newDiagnostic(ns.Error, format, args) }

// Warnf returns a diagnostic for an answer's Diagnostics: something is likely
// not as the user wants it.
func Warnf(format string, args ...any) *ns.Diagnostic { return newDiagnostic(ns.Warning, format, args) }

// Noticef returns a diagnostic for an answer's Diagnostics: something that the
// user may want to know.
func Noticef(format string, args ...any) *ns.Diagnostic {
	return newDiagnostic(ns.Notice, format, args)
}

func newDiagnostic(severity ns.Severity, format string, args []any) *ns.Diagnostic {
	err := fmt.Errorf(format, args...)
	d := &ns.Diagnostic{Severity: severity, Summary: err.Error()}
	errors.As(err, &d.Errno)
	return d
}
