// SPDX-License-Identifier: Apache-2.0

package nsplugin

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"runtime/debug"
	"slices"

	"github.com/nsrun/nsrun/ns"
)

// server answers nsrun's calls with a plugin's methods. It implements
// wire.Server.
type server struct{ plugin Plugin }

func newServer(p Plugin) *server { return &server{plugin: p} }

// Describe implements wire.Server.
func (s *server) Describe(context.Context) (d *ns.Descriptor, err error) {
	defer catch("describe", &err)
	return s.descriptor()
}

// Negotiate implements wire.Server.
func (s *server) Negotiate(ctx context.Context, req *ns.Request) (offer *ns.Offer, err error) {
	defer catch("negotiate", &err)
	p, err := s.fresh(req, false)
	if err != nil {
		return nil, err
	}
	return p.Negotiate(ctx, req)
}

// Hook implements wire.Server. A plugin without a method for the point has
// nothing to do there.
func (s *server) Hook(ctx context.Context, req *ns.HookRequest) (reply *ns.HookReply, err error) {
	defer catch(string(req.Point), &err)
	p, err := s.fresh(&req.Request, req.Point != ns.PreExec)
	if err != nil {
		return nil, err
	}
	if pre, ok := p.(PreExecer); ok && req.Point == ns.PreExec {
		return pre.PreExec(ctx, req)
	}
	if post, ok := p.(PostExecer); ok && req.Point == ns.PostExec {
		return told(post.PostExec(ctx, req))
	}
	if checker, ok := p.(RunChecker); ok && req.Point == ns.CheckRun {
		found, err := checker.CheckRun(ctx, req)
		return &ns.HookReply{Diagnostics: found}, err
	}
	if req.Point == ns.Update {
		return update(ctx, p, req)
	}
	return nil, nil
}

// update has a plugin change a run. One without the method must not seem to have done so.
func update(ctx context.Context, p Plugin, req *ns.HookRequest) (*ns.HookReply, error) {
	updater, ok := p.(Updater)
	if !ok {
		return nil, Errorf("update: the plugin can't change a run")
	}
	return updater.Update(ctx, req)
}

// told splits what PostExec returned: a warning or a notice is something to tell
// beside success, and only the rest says that something is left to undo.
func told(err error) (*ns.HookReply, error) {
	reply := &ns.HookReply{}
	var errs []error
	for _, e := range ns.Flatten(err) {
		if d, ok := e.(*ns.Diagnostic); ok && d.Severity != ns.Error {
			reply.Diagnostics = append(reply.Diagnostics, *d)
			continue
		}
		errs = append(errs, e)
	}
	return reply, errors.Join(errs...)
}

// Check implements wire.Server. A plugin without the method has no objection.
func (s *server) Check(ctx context.Context, facts ns.Facts) (ds []ns.Diagnostic, err error) {
	defer catch("check", &err)
	if p, ok := s.plugin.(Checker); ok {
		return p.Check(ctx, facts)
	}
	return nil, nil
}

// Review implements wire.Server. A plugin without the method has no objection.
func (s *server) Review(ctx context.Context, req *ns.ReviewRequest) (reply *ns.ReviewReply, err error) {
	defer catch("review", &err)
	p, err := s.fresh(&req.Request, false)
	if err != nil {
		return nil, err
	}
	if reviewer, ok := p.(Reviewer); ok {
		return reviewer.Review(ctx, req)
	}
	return nil, nil
}

// descriptor puts together what the plugin says and what its type says.
func (s *server) descriptor() (*ns.Descriptor, error) {
	if p, ok := s.plugin.(SelfDescriber); ok {
		return p.Descriptor()
	}
	fields, err := s.fields()
	if err != nil {
		return nil, err
	}
	info := s.plugin.Describe()
	d := &ns.Descriptor{
		Name:     info.Name,
		Version:  info.Version,
		Summary:  info.Summary,
		Kinds:    info.Kinds,
		Features: info.Features,
		Requires: info.Requires,
		Hooks:    s.hooks(),
	}
	if _, ok := s.plugin.(Reviewer); ok && !slices.Contains(d.Requires, ns.FeatureReview) {
		d.Requires = append(slices.Clone(d.Requires), ns.FeatureReview)
	}
	if _, ok := s.plugin.(RunChecker); ok && !slices.Contains(d.Features, ns.FeatureCheckRun) {
		d.Features = append(slices.Clone(d.Features), ns.FeatureCheckRun)
	}
	for _, f := range fields {
		d.Options = append(d.Options, f.option)
	}
	return d, nil
}

func (s *server) hooks() []ns.Point {
	var points []ns.Point
	if _, ok := s.plugin.(PreExecer); ok {
		points = append(points, ns.PreExec)
	}
	if _, ok := s.plugin.(PostExecer); ok {
		points = append(points, ns.PostExec)
	}
	return points
}

func (s *server) fields() ([]field, error) {
	t := reflect.TypeOf(s.plugin)
	if t.Kind() != reflect.Pointer || t.Elem().Kind() != reflect.Struct {
		return nil, fmt.Errorf("describe plugin: %s is not a pointer to a struct", t)
	}
	return fieldsOf(t.Elem())
}

// fresh returns a copy of the plugin with its option fields filled in, so that
// nothing is left over from an earlier call. It makes the paths in req absolute.
// With written the request was written down in between, and lacks what must not be.
func (s *server) fresh(req *ns.Request, written bool) (Plugin, error) {
	fields, err := s.fields()
	if err != nil {
		return nil, err
	}
	d, err := s.descriptor()
	if err != nil {
		return nil, err
	}
	if written {
		d.Options = lenient(d.Options)
	}
	req.Settings = ns.ResolveSettings(d, req.Settings, req.Facts.Dir)
	if err := ns.Errors(ns.CheckSettings(d, req.Settings)); err != nil {
		return nil, err
	}
	original := reflect.ValueOf(s.plugin).Elem()
	fresh := reflect.New(original.Type())
	fresh.Elem().Set(original)
	if _, ok := s.plugin.(SelfDescriber); !ok {
		fill(fresh.Elem(), fields, req.Settings)
	}
	return fresh.Interface().(Plugin), nil
}

// lenient returns options of which none that is sensitive is required.
func lenient(options []ns.Option) []ns.Option {
	options = slices.Clone(options)
	for i := range options {
		options[i].Required = options[i].Required && !options[i].Sensitive
	}
	return options
}

// catch makes a panic in one of the plugin's methods an error of the call, so
// that the user reads in nsrun's words what failed.
func catch(call string, err *error) {
	if r := recover(); r != nil {
		slog.Error("panic in "+call, "panic", fmt.Sprint(r), "stack", string(debug.Stack()))
		*err = Errorf("%s: plugin panicked: %v", call, r).
			WithHint("report this to the plugin's author, with the log of nsrun --debug")
	}
}
