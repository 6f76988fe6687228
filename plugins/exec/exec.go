// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"os"

	"github.com/nsrun/nsrun/ns"
	"github.com/nsrun/nsrun/nsplugin"
)

// execPlugin is a plugin that a file defines. Each call runs the file's program.
type execPlugin struct {
	def *definition // nil if there is no file
	err error       // why it can't be used
}

// newPlugin returns the plugin that the file in the arguments defines. The kernel
// put the file there, before the arguments of who started it, since its first
// line names this program; execve(2).
func newPlugin() *execPlugin {
	if len(os.Args) < 2 || os.Args[1] == "describe" {
		return &execPlugin{}
	}
	def, err := open(os.Args[1])
	os.Args = os.Args[1:]
	return &execPlugin{def: def, err: err}
}

// Describe implements nsplugin.Plugin.
func (p *execPlugin) Describe() nsplugin.Info {
	if p.def == nil {
		return nsplugin.Info{Name: "exec", Version: "1.0.0", Summary: "runs plugins that are a TOML file and a program, after #!"}
	}
	d := p.def.descriptor()
	return nsplugin.Info{Name: d.Name, Version: d.Version, Summary: d.Summary, Kinds: d.Kinds, Features: d.Features}
}

// Descriptor implements nsplugin.SelfDescriber.
func (p *execPlugin) Descriptor() (*ns.Descriptor, error) {
	if p.def == nil {
		i := p.Describe()
		return &ns.Descriptor{Name: i.Name, Version: i.Version, Summary: i.Summary}, p.err
	}
	return p.def.descriptor(), p.err
}

// errAlone refuses a run that chose the interpreter itself.
var errAlone = nsplugin.Errorf("run exec: it needs a file that defines a plugin").
	WithDetail("such a file is named nsrun-plugin-NAME, and its first line names nsrun-plugin-exec after #!").
	WithHint("nsctl plugin new NAME --lang exec, and then --plugins NAME")

// Negotiate implements nsplugin.Plugin. What the program leaves out of its offer
// is what most plugins want: the kinds that they own, and the hooks that they
// have.
func (p *execPlugin) Negotiate(ctx context.Context, req *ns.Request) (*ns.Offer, error) {
	if p.def == nil {
		return nil, errAlone
	}
	var offer ns.Offer
	err := p.def.call(ctx, &message{Call: "negotiate", Options: p.def.values(req.Settings), Request: req}, &offer)
	if err != nil {
		return nil, err
	}
	if offer.Kinds == nil {
		offer.Kinds = req.Owns
	}
	if offer.Hooks == nil {
		offer.Hooks = p.def.descriptor().Hooks
	}
	if offer.Freshness != nil && p.def.program != "" {
		offer.Freshness.Files = append(offer.Freshness.Files, p.def.program)
	}
	return &offer, nil
}

// PreExec implements nsplugin.PreExecer.
func (p *execPlugin) PreExec(ctx context.Context, req *ns.HookRequest) (*ns.HookReply, error) {
	var r reply
	if err := p.hook(ctx, req, &r); err != nil {
		return nil, err
	}
	return &ns.HookReply{
		Steps: r.Steps, Env: r.Env, Results: r.Results, State: r.State, Helpers: r.Helpers, Diagnostics: r.Diagnostics,
	}, nil
}

// PostExec implements nsplugin.PostExecer.
func (p *execPlugin) PostExec(ctx context.Context, req *ns.HookRequest) error {
	var r reply
	err := p.hook(ctx, req, &r)
	if err != nil {
		return err
	}
	return ns.Errors(r.Diagnostics)
}

// CheckRun implements nsplugin.RunChecker. The program is asked only if the file
// says that it has the feature.
func (p *execPlugin) CheckRun(ctx context.Context, req *ns.HookRequest) ([]ns.Diagnostic, error) {
	var r reply
	err := p.hook(ctx, req, &r)
	return r.Diagnostics, err
}

// Update implements nsplugin.Updater. It is for files that say by a feature which option
// can be changed.
func (p *execPlugin) Update(ctx context.Context, req *ns.HookRequest) (*ns.HookReply, error) {
	if p.def == nil || !p.def.knows(req.Point) {
		return nil, nsplugin.Errorf("update: the plugin can't change a run")
	}
	var r reply
	err := p.hook(ctx, req, &r)
	return &ns.HookReply{Settings: r.Settings, Results: r.Results, State: r.State, Diagnostics: r.Diagnostics}, err
}

func (p *execPlugin) hook(ctx context.Context, req *ns.HookRequest, r *reply) error {
	if p.def == nil || !p.def.knows(req.Point) {
		return nil
	}
	run := *req
	run.State = nil // it goes as the JSON that it is
	return p.def.call(ctx, &message{
		Call: string(req.Point), Options: p.def.values(req.Request.Settings), Run: &run, State: req.State,
	}, r)
}

// Review implements nsplugin.Reviewer. The program is asked only if the file says that
// it knows the call.
func (p *execPlugin) Review(ctx context.Context, req *ns.ReviewRequest) (*ns.ReviewReply, error) {
	if p.def == nil || !p.def.Review {
		return nil, nil
	}
	shown := *req
	shown.Plan = nil // it goes as the JSON that it is
	var r reply
	err := p.def.call(ctx, &message{
		Call: "review", Options: p.def.values(req.Request.Settings), Review: &shown, Plan: req.Plan,
	}, &r)
	return &ns.ReviewReply{Diagnostics: r.Diagnostics}, err
}

// Check implements nsplugin.Checker. The program is asked only if the file says
// that it knows the call.
func (p *execPlugin) Check(ctx context.Context, facts ns.Facts) ([]ns.Diagnostic, error) {
	if p.def == nil || !p.def.Check {
		return nil, nil
	}
	var r reply
	err := p.def.call(ctx, &message{Call: "check", Facts: &facts}, &r)
	return r.Diagnostics, err
}
