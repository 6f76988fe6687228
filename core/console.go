// SPDX-License-Identifier: Apache-2.0

package core

import (
	"path"
	"slices"
	"strconv"

	"github.com/nsrun/nsrun/core/stage"
	"github.com/nsrun/nsrun/ns"
)

// The values of --tty.
const (
	ttyAlways = "always"
	ttyAuto   = "auto"
	ttyNever  = "never"
)

// wantsConsole reports whether the command is to get a terminal of its own.
func (inv *Invocation) wantsConsole() bool {
	return inv.TTY == ttyAlways || inv.TTY == ttyAuto && stage.HasTerminal()
}

func (inv *Invocation) setTTY(value string) error {
	switch value {
	case "true":
		value = ttyAlways
	case "false":
		value = ttyNever
	}
	inv.TTY = value
	if value != ttyAlways && value != ttyAuto && value != ttyNever {
		return badValue(strconv.ErrSyntax, "tty", value, "--tty, --tty=auto or --tty=never")
	}
	return nil
}

// openConsole makes the command's own terminal if there is to be one.
func (r *run) openConsole() (err error) {
	if r.inv.wantsConsole() {
		r.console, err = stage.OpenConsole()
	}
	return err
}

// steps returns the plan's steps. Where the run has terminals of its own, the
// command's is shown among them as /dev/console: ttyname(3) finds no other, since
// the command's was made outside, before there was a /dev/pts inside.
func (r *run) steps() []ns.PlannedStep {
	if r.console == nil {
		return r.plan.Steps
	}
	i := slices.IndexFunc(r.plan.Steps, func(s ns.PlannedStep) bool { return s.Op == ns.OpMount && s.FSType == "devpts" && s.Phase == ns.Setup })
	if i < 0 {
		return r.plan.Steps
	}
	devpts := r.plan.Steps[i]
	console := ns.PlannedStep{Plugin: devpts.Plugin, Step: ns.Step{Op: ns.OpBind, Phase: ns.Setup, Source: r.console.Path,
		Target: path.Join(path.Dir(devpts.Target), "console"), Attrs: []ns.Attr{ns.NoSUID, ns.NoExec}, IfExists: true}}
	return slices.Insert(slices.Clone(r.plan.Steps), i+1, console)
}
