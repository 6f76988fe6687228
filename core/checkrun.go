// SPDX-License-Identifier: Apache-2.0

package core

import (
	"context"
	"slices"

	"github.com/nsrun/nsrun/core/find"
	"github.com/nsrun/nsrun/core/journal"
	"github.com/nsrun/nsrun/ns"
)

// CheckRun asks each plugin that has made something for a live run whether that still
// holds: SPEC.md, "Check". There is one finding for each, in the order in which they
// made it; its notices are what holds.
func (s *Session) CheckRun(ctx context.Context, run journal.Entry) []Finding {
	findings := make([]Finding, len(run.Calls))
	_ = sideBySide(len(findings), func(i int) error {
		call := run.Calls[len(run.Calls)-1-i]
		call.Point = ns.CheckRun
		f := &findings[i]
		f.Part = "plugin " + call.Plugin
		if slices.Contains(run.Updating, call.Plugin) {
			f.Diagnostics = notChecked(&call, "an update of the run is under way, or was cut short")
			f.Diagnostics[0].Hint = "another nsctl update of the run, which puts it right"
			return nil
		}
		f.tell(f.askOf(ctx, s, run.Header.Plugins, &call))
		return nil
	})
	return findings
}

// askOf has the plugin of a call check its run. What it says becomes part of f.
func (f *Finding) askOf(ctx context.Context, s *Session, plugins []find.Plugin, call *ns.HookRequest) error {
	plugin, err := s.binaryOf(plugins, call)
	if err != nil {
		return err
	}
	d, err := s.Host.Describe(ctx, plugin)
	if err != nil {
		return err
	}
	if !slices.Contains(d.Features, ns.FeatureCheckRun) {
		f.Diagnostics = notChecked(call, "the plugin can't check what it made for a run")
		return nil
	}
	reply, err := s.Host.Hook(ctx, plugin, call)
	if err != nil {
		return err
	}
	if f.Diagnostics = reply.Diagnostics; len(reply.Diagnostics) == 0 {
		f.Diagnostics = notChecked(call, "the plugin said nothing of what it made for the run")
	}
	return nil
}

func notChecked(call *ns.HookRequest, why string) []ns.Diagnostic {
	return []ns.Diagnostic{{Plugin: call.Plugin, Severity: ns.Warning, Summary: why}}
}
