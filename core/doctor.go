// SPDX-License-Identifier: Apache-2.0

package core

import (
	"context"
	"slices"

	"github.com/nsrun/nsrun/core/find"
	"github.com/nsrun/nsrun/core/stage"
	"github.com/nsrun/nsrun/ns"
)

// Finding is what can be said of one part of nsrun on this host, for this caller.
type Finding struct {
	// Part is the kind of namespace or the plugin.
	Part string `json:"part"`
	// OK says that it works.
	OK bool `json:"ok"`
	// Diagnostics say what doesn't, why, and what would help.
	Diagnostics []ns.Diagnostic `json:"diagnostics,omitempty"`
}

// Examine tries what nsrun needs of the kernel, one kind of namespace after the
// other, and asks all installed plugins side by side. Nothing of it stays. It must
// be called on the main thread; see package stage.
func (s *Session) Examine(ctx context.Context) []Finding {
	var findings []Finding
	for _, k := range ns.Kinds() {
		findings = append(findings, s.try(k))
	}
	return append(findings, s.checkPlugins(ctx, find.List(s.dirs))...)
}

// ExamineKind is [Session.Examine] for one kind of namespace and the plugins that can
// fill it.
func (s *Session) ExamineKind(ctx context.Context, k ns.Kind) []Finding {
	installed := s.Installed(ctx)
	owners := slices.DeleteFunc(find.List(s.dirs), func(c find.Candidate) bool {
		return !c.Chosen || !slices.ContainsFunc(installed, func(d *ns.Descriptor) bool { return d.Name == c.Name && d.Owns(k) })
	})
	return append([]Finding{s.try(k)}, s.checkPlugins(ctx, owners)...)
}

// try makes a namespace as a run would, and gives it up at once.
func (s *Session) try(k ns.Kind) Finding {
	kinds := []ns.Kind{k}
	if k != ns.User && !s.Facts.Root() {
		kinds = []ns.Kind{ns.User, k}
	}
	f := Finding{Part: string(k) + " namespace", OK: true}
	child, err := stage.Start(kinds)
	if err == nil {
		err = child.AwaitNamespaces()
		child.Abandon()
	}
	if err != nil {
		f.tell(newRun(s, &Invocation{}, &ns.Plan{}).explain(err))
	}
	d := &ns.Diagnostic{Severity: ns.Warning, Summary: "a new /proc can't be mounted in a user namespace"}
	if explainProc(d, mountTable()); k == ns.PID && d.Detail != "" {
		f.Diagnostics = append(f.Diagnostics, *d)
	}
	return f
}

// tell adds an error to what is found, if it is one.
func (f *Finding) tell(err error) {
	f.Diagnostics = append(f.Diagnostics, ns.Diagnose(err)...)
	f.OK = !ns.HasErrors(f.Diagnostics)
}

// checkPlugins asks each of the plugins that --plugins could choose.
func (s *Session) checkPlugins(ctx context.Context, candidates []find.Candidate) []Finding {
	var findings []Finding
	var plugins []find.Plugin
	for _, c := range candidates {
		f := Finding{Part: "plugin " + c.Name, OK: true}
		p, err := find.Find(c.Name, s.dirs)
		switch {
		case !c.Chosen:
			f.Diagnostics = []ns.Diagnostic{{Severity: ns.Warning, Summary: c.Path + " is passed over", Detail: c.Reason}}
		case err != nil:
			f.tell(err)
		}
		findings, plugins = append(findings, f), append(plugins, p)
	}
	_ = sideBySide(len(findings), func(i int) error {
		if plugins[i].Path != "" && findings[i].Diagnostics == nil {
			findings[i].ask(ctx, s, plugins[i])
		}
		return nil
	})
	return findings
}

// ask has a plugin check the host, within the host's deadline.
func (f *Finding) ask(ctx context.Context, s *Session, p find.Plugin) {
	found, err := s.Host.Check(ctx, p, s.Facts)
	f.Diagnostics = append(f.Diagnostics, found...)
	f.tell(err)
}
