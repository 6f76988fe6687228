// SPDX-License-Identifier: Apache-2.0

package main

import (
	"github.com/nsrun/nsrun/ns"
	"github.com/nsrun/nsrun/nsplugin"
)

// procAttrs are those that every distribution mounts proc with.
var procAttrs = []ns.Attr{ns.NoSUID, ns.NoDev, ns.NoExec}

// procStep returns the step that mounts /proc: a new proc ("fresh") or the
// outer one ("bind").
func procStep(how string) ns.Step {
	if how == "fresh" {
		return nsplugin.Mount("proc", "/proc", "", procAttrs...)
	}
	return nsplugin.Bind("/proc", "/proc", procAttrs...)
}
