// SPDX-License-Identifier: Apache-2.0

package ns

import (
	"errors"
	"slices"
	"strings"
	"syscall"
)

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

// WithDetail sets the detail and returns d.
func (d *Diagnostic) WithDetail(detail string) *Diagnostic { d.Detail = detail; return d }

// WithHint sets the hint and returns d.
func (d *Diagnostic) WithHint(hint string) *Diagnostic { d.Hint = hint; return d }

// WithOption sets the option at fault and returns d.
func (d *Diagnostic) WithOption(option string) *Diagnostic { d.Option = option; return d }

// HasErrors reports whether one of ds refuses the run.
func HasErrors(ds []Diagnostic) bool {
	return slices.ContainsFunc(ds, func(d Diagnostic) bool { return d.Severity == Error })
}

// Errors returns the diagnostics of severity [Error] as one error that joins them,
// nil if there is none. It is the reverse of [Diagnose].
func Errors(ds []Diagnostic) error {
	var errs []error
	for i := range ds {
		if ds[i].Severity == Error {
			errs = append(errs, &ds[i])
		}
	}
	return errors.Join(errs...)
}

// Diagnose returns err as diagnostics of severity [Error]: one for each error
// that errors.Join put together, and none for nil. An error that holds a
// *Diagnostic keeps its detail, hint and option; any other becomes the summary
// of a new one.
func Diagnose(err error) []Diagnostic {
	var ds []Diagnostic
	for _, e := range Flatten(err) {
		ds = append(ds, diagnose(e))
	}
	return ds
}

// Flatten returns the errors that errors.Join put together in err, however
// deep: err alone if it is none of those, and nothing for nil.
func Flatten(err error) []error {
	if d, ok := err.(*Diagnostic); err == nil || ok && d == nil {
		return nil
	}
	parts := joined(err)
	if parts == nil {
		return []error{err}
	}
	var all []error
	for _, part := range parts {
		all = append(all, Flatten(part)...)
	}
	return all
}

func diagnose(err error) Diagnostic {
	var d Diagnostic
	var held *Diagnostic
	if errors.As(err, &held) {
		d = *held
	} else {
		errors.As(err, &d.Errno)
	}
	if held == nil || err.Error() != held.Error() {
		d.Summary = err.Error() // something was added on the way
	}
	d.Severity = Error
	return d
}

// joined returns the errors that errors.Join put together, and nil for an error
// that says something of its own.
func joined(err error) []error {
	j, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return nil
	}
	var texts []string
	for _, part := range j.Unwrap() {
		texts = append(texts, part.Error())
	}
	if err.Error() != strings.Join(texts, "\n") {
		return nil
	}
	return j.Unwrap()
}
