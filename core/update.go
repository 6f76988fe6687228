// SPDX-License-Identifier: Apache-2.0

package core

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/nsrun/nsrun/core/find"
	"github.com/nsrun/nsrun/core/journal"
	"github.com/nsrun/nsrun/ns"
)

// Change is what is to become of an option of a live run.
type Change struct {
	// Kind is the kind of namespace whose owner has the option, and Option its name,
	// without dashes. Required.
	Kind   ns.Kind
	Option string
	// Add are values that the run is to have besides, Remove those that it isn't to have
	// any more.
	Add, Remove []string
}

// Update has the plugin that fills the change's kind in a live run make the change: all of
// it or, if there is an error, nothing. SPEC.md, "Update".
func (s *Session) Update(ctx context.Context, run journal.Entry, c Change) error {
	if run.Joining == nil {
		return refuseUpdate(run, "its command has not started yet").WithHint("the same again later")
	}
	edit, err := s.Base.Edit(run.Header.ID)
	if err != nil {
		return err
	}
	defer edit.Close()
	u := &update{Session: s, run: run, Change: c, edit: edit}
	if err := u.find(ctx); err != nil {
		return err
	}
	return u.make(ctx)
}

func refuseUpdate(run journal.Entry, why string) *ns.Diagnostic {
	name := run.Header.Name
	if name == "" {
		name = run.Header.ID
	}
	return &ns.Diagnostic{Summary: "update run " + name + ": " + why}
}

// update is a change under way.
type update struct {
	*Session
	Change
	run    journal.Entry
	edit   *journal.Edit
	plugin find.Plugin // that is to make the change
	owner  *ns.Descriptor
	call   ns.HookRequest
}

// find finds the plugin that is to make the change, if nothing is against it.
func (u *update) find(ctx context.Context) error {
	plugins := slices.Clone(u.run.Header.Plugins)
	for i := range plugins {
		plugins[i] = u.current(plugins[i])
	}
	all, err := u.descriptors(ctx, plugins)
	if err != nil {
		return err
	}
	// A reviewer would have to be shown the plan, which is gone.
	if i := slices.IndexFunc(all, func(d *ns.Descriptor) bool { return slices.Contains(d.Requires, ns.FeatureReview) }); i >= 0 {
		return refuseUpdate(u.run, "the plugin "+all[i].Name+" has approved it as it is").WithHint("end the run, and start it again as it is to be")
	}
	for _, call := range u.edit.Calls() {
		if slices.Contains(call.Request.Owns, u.Kind) {
			u.call = call
		}
	}
	i := slices.IndexFunc(plugins, func(p find.Plugin) bool { return p.Name == u.call.Plugin })
	if i < 0 {
		return refuseUpdate(u.run, fmt.Sprintf("no plugin has made anything for its %s namespace", u.Kind)).WithHint(u.whoCan(ctx))
	}
	if u.plugin, u.owner = plugins[i], all[i]; !u.can(u.owner) {
		return refuseUpdate(u.run, fmt.Sprintf("the plugin %s can't change --%s while the command runs", u.owner.Name, u.Option)).WithHint(u.whoCan(ctx))
	}
	return nil
}

// can reports whether the plugin can change the option.
func (u *update) can(d *ns.Descriptor) bool {
	return d.Option(u.Option) != nil && slices.Contains(d.Features, ns.FeatureUpdate+u.Option)
}

// whoCan names the installed plugins that can make the change, as a hint.
func (u *update) whoCan(ctx context.Context) string {
	var able []string
	for _, d := range u.Installed(ctx) {
		if d.Owns(u.Kind) && u.can(d) {
			able = append(able, d.Selector())
		}
	}
	if len(able) == 0 {
		return "no plugin that is installed can"
	}
	return "end the run, and start it with --plugins " + strings.Join(able, " or ")
}

// make has the plugin make the change, and writes down what became of it. Where there is
// no answer, or none that can be used, it isn't known what did.
func (u *update) make(ctx context.Context) error {
	u.call.Point = ns.Update
	u.call.Add, u.call.Remove = u.settings(u.Add), u.settings(u.Remove)
	if err := errors.Join(u.check(u.call.Add), u.check(u.call.Remove)); err != nil {
		return err
	}
	if err := u.edit.Begin(u.plugin.Name); err != nil {
		return err
	}
	reply, err := u.Host.Hook(ctx, u.plugin, &u.call)
	if err != nil {
		return err
	}
	if err := errors.Join(u.tell(u.plugin.Name, reply.Diagnostics)...); err != nil {
		return errors.Join(err, u.edit.Cancel(u.plugin.Name))
	}
	if err := u.check(reply.Settings); err != nil {
		return err // with which nobody could undo the run
	}
	reply.Settings = ns.WithoutSensitive(u.owner, reply.Settings)
	return u.edit.End(u.plugin.Name, reply)
}

// settings are values of the option that is to be changed.
func (u *update) settings(values []string) []ns.Setting {
	all := make([]ns.Setting, len(values))
	for i, v := range values {
		all[i] = ns.Setting{Option: u.Option, Args: []string{v}}
	}
	return ns.ResolveSettings(u.owner, all, u.Facts.Dir)
}

// check returns what is wrong with those of settings that are of the changed option.
func (u *update) check(settings []ns.Setting) error {
	own := slices.DeleteFunc(slices.Clone(settings), func(s ns.Setting) bool { return s.Option != u.Option })
	option := *u.owner.Option(u.Option)
	option.Required = false
	return ns.Errors(ns.CheckSettings(&ns.Descriptor{Name: u.owner.Name, Options: []ns.Option{option}}, own))
}
