// SPDX-License-Identifier: Apache-2.0

package stage

import (
	"errors"
	"fmt"
	"os"

	"github.com/nsrun/nsrun/ns"
	"golang.org/x/sys/unix"
)

// Join is a namespace that exists, which a child is to be cloned into.
type Join struct {
	ns.PlannedJoin
	// File stands for it; namespaces(7). Required.
	File *os.File
}

// within calls f while the calling thread, which must be locked, is in the
// namespaces of joins: a process that is cloned there begins in them, also one with
// a user namespace of its own, which could not enter them any more; setns(2).
func within(joins []Join, f func() error) (err error) {
	if len(joins) == 0 {
		return f()
	}
	j, rest := joins[0], joins[1:]
	home, err := os.Open("/proc/thread-self/ns/" + j.Kind.File())
	if err != nil {
		return fmt.Errorf("open the own %s namespace: %w", j.Kind, err)
	}
	defer home.Close()
	if err := setns(j.File, j.Kind); err != nil {
		return j.refused(err)
	}
	defer func() {
		if e := setns(home, j.Kind); e != nil {
			err = errors.Join(err, fmt.Errorf("return to the own %s namespace: %w", j.Kind, e))
		}
	}()
	return within(rest, f)
}

func setns(f *os.File, k ns.Kind) error { return unix.Setns(int(f.Fd()), int(k.CloneFlag())) }

// refused says what the kernel's refusal means.
func (j *Join) refused(err error) *ns.Diagnostic {
	d := &ns.Diagnostic{Plugin: j.Plugin, Summary: fmt.Sprintf("join the %s namespace of %s: %v", j.Kind, j.Source, err)}
	errors.As(err, &d.Errno)
	if d.Errno == unix.EPERM {
		d.Detail = "joining needs CAP_SYS_ADMIN in the user namespace that owns it, and in the caller's own; setns(2)"
		d.Hint = "run nsrun as root"
	}
	return d
}
