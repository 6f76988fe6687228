// SPDX-License-Identifier: Apache-2.0

package ns

import "syscall"

// Severity says what a [Diagnostic] does to the run.
type Severity string

// The severities. Error, the zero value, refuses the run.
const (
	Error   Severity = ""
	Warning Severity = "warning"
	Notice  Severity = "notice"
)

// Diagnostic is something to tell the user, shown in three lines at most:
//
//	nsrun: PLUGIN: SUMMARY
//	  cause: DETAIL
//	  try:   HINT
//
// A *Diagnostic is an error, so that it can be returned as one.
type Diagnostic struct {
	Severity Severity `json:"severity,omitempty"`
	// Plugin is filled in by nsrun.
	Plugin string `json:"plugin,omitempty"`
	// Summary says what was tried and how it ended: "mount proc on /proc:
	// operation not permitted". Lower case, no full stop. Required.
	Summary string `json:"summary"`
	// Detail says why, where the summary alone doesn't.
	Detail string `json:"detail,omitempty"`
	// Hint says what to do or type instead.
	Hint string `json:"hint,omitempty"`
	// Option is the option at fault, without dashes.
	Option string `json:"option,omitempty"`
	// Errno is the kernel's error number, if there was one; errno(3).
	Errno syscall.Errno `json:"errno,omitempty"`
}

// Error returns the plugin and the summary, as the first line shown has them.
func (d *Diagnostic) Error() string {
	if d.Plugin == "" {
		return d.Summary
	}
	return d.Plugin + ": " + d.Summary
}

// Unwrap returns the kernel's error number, so that errors.Is finds it.
func (d *Diagnostic) Unwrap() error {
	if d.Errno == 0 {
		return nil
	}
	return d.Errno
}
