// SPDX-License-Identifier: Apache-2.0

package host

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"syscall"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/nsrun/nsrun/core/find"
	"github.com/nsrun/nsrun/internal/wire"
	"github.com/nsrun/nsrun/ns"
)

// This file holds what is said of plugins that fail.

const reportHint = "report this to the plugin's author; nsrun --debug shows all that it printed"

// diagnose returns err as a diagnostic of the instance's plugin.
func (i *instance) diagnose(err error) *ns.Diagnostic {
	d := ns.Diagnostic{Summary: "start plugin: " + wire.Printable(err.Error())}
	if held, ok := errors.AsType[*ns.Diagnostic](err); ok {
		d = *held
	} else {
		errors.As(err, &d.Errno)
	}
	d.Plugin = i.plugin.Name
	return &d
}

// died is a diagnostic for a plugin whose process has ended, with its last words.
func (i *instance) died(summary string) *ns.Diagnostic {
	i.out.finish(grace)
	d := &ns.Diagnostic{Summary: summary, Hint: reportHint}
	if last := i.out.last(); last != "" {
		d.Detail = "it printed: " + last
	}
	return d
}

// explain says why a call failed. ctx is the call's, bounded by deadline.
func (i *instance) explain(ctx context.Context, call string, deadline time.Duration, err error) *ns.Diagnostic {
	if _, ok := errors.AsType[*ns.Diagnostic](err); ok {
		return i.diagnose(err) // the plugin's own words, or those of a check
	}
	d := i.explainStatus(ctx, call, deadline, status.Convert(err))
	d.Plugin = i.plugin.Name
	return d
}

func (i *instance) explainStatus(ctx context.Context, call string, deadline time.Duration, s *status.Status) *ns.Diagnostic {
	message := wire.Printable(s.Message())
	switch {
	case errors.Is(context.Cause(ctx), context.Canceled):
		return &ns.Diagnostic{Summary: call + ": stopped before the plugin answered"}
	case ctx.Err() != nil || s.Code() == codes.DeadlineExceeded:
		return i.hung(call, deadline)
	case i.proc == nil && s.Code() == codes.Unavailable:
		return &ns.Diagnostic{
			Summary: call + ": " + message,
			Detail:  fmt.Sprintf("%s says that process %d serves it", ReattachEnv, i.peer),
			Hint:    "start it again: nsrun-plugin-" + i.plugin.Name + " debug, and set what it prints",
		}
	case i.proc != nil && (s.Code() == codes.Unavailable || s.Code() == codes.Canceled) && i.proc.wait(grace):
		// Canceled: go-plugin has seen the end of the process first, and closed
		// the connection.
		return i.died(call + ": plugin " + i.proc.fate())
	case s.Code() == codes.ResourceExhausted && strings.Contains(message, "received message larger than max"):
		return tooLarge(call, "answer")
	case s.Code() == codes.ResourceExhausted && strings.Contains(message, "send message larger than max"):
		return tooLarge(call, "request")
	case s.Code() == codes.Internal && strings.Contains(message, wire.ErrBulk.Error()):
		return &ns.Diagnostic{
			Summary: call + ": the answer has " + wire.ErrBulk.Error(),
			Detail:  "SPEC.md, [R-5], has the limits, such as 4096 steps",
			Hint:    reportHint,
		}
	case s.Code() == codes.Unimplemented:
		return &ns.Diagnostic{Summary: call + ": the plugin doesn't know this call", Hint: upgradePlugin}
	}
	return &ns.Diagnostic{
		Summary: fmt.Sprintf("%s: the plugin broke (%s)", call, s.Code()),
		Detail:  message,
		Hint:    reportHint,
	}
}

func (i *instance) hung(call string, deadline time.Duration) *ns.Diagnostic {
	d := &ns.Diagnostic{Summary: fmt.Sprintf("%s: no answer within %s", call, deadline), Hint: reportHint}
	if last := i.out.last(); last != "" {
		d.Detail = "it printed: " + last
	}
	return d
}

func tooLarge(call, what string) *ns.Diagnostic {
	return &ns.Diagnostic{
		Summary: fmt.Sprintf("%s: the %s is larger than %d MiB", call, what, wire.MaxMessage>>20),
		Hint:    reportHint,
	}
}

func tooLong() *ns.Diagnostic {
	return badHandshake("is a line longer than %d KiB", maxLine>>10)
}

// silent is for a plugin that printed no whole line in time.
func silent(part string, patience time.Duration) *ns.Diagnostic {
	d := &ns.Diagnostic{
		Summary: fmt.Sprintf("start plugin: no handshake within %s", patience),
		Detail:  "it runs, and printed nothing on standard output",
		Hint:    "is it a plugin of nsrun? " + reportHint,
	}
	if part != "" {
		d.Detail = "it printed only " + quote(part)
	}
	return d
}

func longPath(dir string) *ns.Diagnostic {
	return &ns.Diagnostic{
		Summary: fmt.Sprintf("start plugin: the path of the socket directory is longer than %d bytes: %s", maxSocketPath, dir),
		Detail:  "the path of a unix socket can't be longer than 107 bytes (unix(7))",
		Hint:    "set XDG_RUNTIME_DIR to a shorter path",
	}
}

// notExecuted is for a binary that the kernel refused.
func notExecuted(path string, err error) *ns.Diagnostic {
	d := &ns.Diagnostic{Summary: fmt.Sprintf("execute %s: %v", path, err)}
	if !errors.As(err, &d.Errno) {
		return d
	}
	switch d.Errno {
	case syscall.ENOEXEC:
		d.Detail = "it is neither a program for this machine nor a script that starts with #!"
		d.Hint = "file " + path + " shows what it is"
	case syscall.ENOENT:
		d.Detail = "the file is there, but the interpreter or loader that it names is not"
		d.Hint = "look at its first line, or build it with CGO_ENABLED=0"
	case syscall.ETXTBSY:
		d.Detail = "somebody is writing to it"
		d.Hint = "run the command again, once nobody is installing plugins"
	}
	return d
}

func otherName(p find.Plugin, name string) *ns.Diagnostic {
	return &ns.Diagnostic{
		Summary: fmt.Sprintf("describe: %s says that its name is %s", p.Path, quote(name)),
		Hint:    "name the file " + ns.BinaryPrefix + "NAME, as the plugin names itself",
	}
}

// refuse returns what is wrong with an answer as one error, nil if nothing is.
func refuse(faults []ns.Diagnostic) error {
	if len(faults) == 0 {
		return nil
	}
	d := faults[0]
	if more := faults[1:]; len(more) > 0 {
		summaries := make([]string, len(more))
		for i, f := range more {
			summaries[i] = f.Summary
		}
		d.Detail = cut("also "+strings.Join(summaries, "; "), 1024)
	}
	return &d
}
