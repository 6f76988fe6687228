// SPDX-License-Identifier: Apache-2.0

package stage

import (
	"errors"
	"fmt"
	"strings"
	"syscall"

	"github.com/nsrun/nsrun/ns"
	"golang.org/x/sys/unix"
)

// CloneError says that the kernel refused to make the namespaces.
type CloneError struct {
	Kinds []ns.Kind
	// Call is the system call that did, clone3 or unshare.
	Call  string
	Errno syscall.Errno
}

// Error returns what was tried and the kernel's reason.
func (e *CloneError) Error() string { return e.Diagnostic().Error() }

// Unwrap returns the errno.
func (e *CloneError) Unwrap() error { return e.Errno }

// Diagnostic returns the error in words for the user.
func (e *CloneError) Diagnostic() *ns.Diagnostic {
	return &ns.Diagnostic{
		Summary: fmt.Sprintf("make the namespaces %s: %s", ns.JoinKinds(e.Kinds, ","), e.Errno),
		Detail:  e.Call + "(2) answered " + unix.ErrnoName(e.Errno), Errno: e.Errno,
	}
}

// StepError says that a step failed in the child. Nothing after it was done, and
// the child is gone.
type StepError struct {
	// Index is the step's index in [Config.Steps], or -1 if the failure belongs
	// to none: it was in what comes before the first or after the last.
	Index int
	// Step is the step; the zero step if Index is -1.
	Step ns.PlannedStep
	// Doing says in words what was tried, when Index is -1.
	Doing string
	// Call is the system call that failed, by its name, and Line the whole call.
	Call, Line string
	// Errno is the kernel's reason.
	Errno syscall.Errno
	// IDMap says that it was the ids of the source's mounts that couldn't be mapped, and
	// Unmapped are those of these mounts, by their places on the host, that are the reason,
	// as far as that could be found out.
	IDMap    bool
	Unmapped []string
	// Log is what the file system had to say to that, if anything.
	Log string
}

// Error returns what was tried and the kernel's reason.
func (e *StepError) Error() string { return e.Diagnostic().Error() }

// Unwrap returns the errno.
func (e *StepError) Unwrap() error { return e.Errno }

// Diagnostic returns the error in words for the user, without a hint.
func (e *StepError) Diagnostic() *ns.Diagnostic {
	doing := e.Doing
	if e.Index >= 0 {
		doing = Words(e.Step.Step)
	}
	detail := e.Log
	if detail == "" && e.Call != "" {
		detail = fmt.Sprintf("%s(2) answered %s", e.Call, unix.ErrnoName(e.Errno))
	}
	return &ns.Diagnostic{
		Plugin: e.Step.Plugin, Summary: doing + ": " + e.Errno.Error(), Detail: detail, Errno: e.Errno,
	}
}

// ExecError says that the command could not be executed.
type ExecError struct {
	// Name is the command as it was given.
	Name string
	// File is the file that failed, or "" if none was found.
	File string
	// BadInterpreter says that File is there, but not the interpreter that it
	// names in its first line, or its loader.
	BadInterpreter bool
	Errno          syscall.Errno
}

// Error returns the command and why it wasn't executed.
func (e *ExecError) Error() string { return e.Diagnostic().Error() }

// Unwrap returns the errno.
func (e *ExecError) Unwrap() error { return e.Errno }

// Status returns the exit status that shells use: 127 if the command wasn't
// found, 126 if it was.
func (e *ExecError) Status() int {
	if e.Errno == unix.ENOENT && !e.BadInterpreter {
		return 127
	}
	return 126
}

// Diagnostic returns the error in words for the user, without a hint.
func (e *ExecError) Diagnostic() *ns.Diagnostic {
	d := &ns.Diagnostic{Summary: fmt.Sprintf("execute %s: %s", e.Name, e.Errno), Errno: e.Errno}
	switch {
	case e.BadInterpreter:
		d.Detail = e.File + " is there, but its interpreter or loader isn't"
	case e.Errno == unix.ENOENT && !strings.Contains(e.Name, "/"):
		d.Summary = fmt.Sprintf("execute %s: command not found", e.Name)
		d.Detail = "it is in no directory of PATH"
	case e.Errno == unix.ENOEXEC:
		d.Detail = "neither a program for this machine nor a script with #! in its first line"
	}
	return d
}

// causeOf returns the kernel's reason in err, without the words around it.
func causeOf(err error) string {
	var errno syscall.Errno
	if errors.As(err, &errno) {
		return errno.Error()
	}
	return err.Error()
}
