// SPDX-License-Identifier: Apache-2.0

package conform

import (
	"context"
	"reflect"
	"slices"
	"strings"
	"sync"

	"github.com/nsrun/nsrun/ns"
)

// AnswerCheck is a check of what a plugin answers. It needs no process of its
// own, and changes nothing on the host unless the plugin breaks the rule.
type AnswerCheck struct {
	Check
	run func(ctx context.Context, p *Plugin, d *ns.Descriptor, c *Case) Verdict
}

// Run makes the check with p, which d describes. Checks of [Answers] take no
// case, those of [CaseAnswers] do.
func (a *AnswerCheck) Run(ctx context.Context, p *Plugin, d *ns.Descriptor, c *Case) Verdict {
	return a.run(ctx, p, d, c)
}

// Answers are the checks that are made once for a plugin.
var Answers = []AnswerCheck{
	{Check{ID: "D-1", Name: "the descriptor is valid"}, validDescriptor},
	{Check{ID: "D-3", Name: "its options are valid"}, validOptions},
	{Check{ID: "D-2", Name: "describing is pure"}, pureDescribe},
	{Check{ID: "R-1", Name: "a refusal is an answer, no gRPC error"}, refusesInAnAnswer},
	{Check{ID: "G-4", Name: "a refusal is fit to be told"}, refusesInWords},
	{Check{ID: "N-4", Name: "an option that isn't described is refused"}, refusesUnknownOption},
	{Check{ID: "S-4", Name: "values that don't fit are refused", Should: true}, refusesBadValues},
	{Check{ID: "C-1", Name: "checking the host says what nsrun takes"}, validCheck},
	{Check{ID: "W-2", Name: "a review is valid, and the same each time"}, steadyReview},
	{Check{ID: "U-6", Name: "undoing needs no sensitive option"}, undoesWithoutSecrets},
	{Check{ID: "U-1", Name: "undoing what was never done succeeds, again and again"}, undoesNothing},
}

// CaseAnswers are the checks that are made with every case.
var CaseAnswers = []AnswerCheck{
	{Check{ID: "N-1", Name: "the offer is valid"}, validOffer},
	{Check{ID: "N-2", Name: "the offer is the same each time"}, steadyOffer},
	{Check{ID: "R-4", Name: "calls at once get the same offer"}, concurrentOffers},
	{Check{ID: "V-2", Name: "unknown fields are ignored"}, ignoresUnknownFields},
}

// said returns diagnostics as lines.
func said(ds []ns.Diagnostic) []string {
	var lines []string
	for _, d := range ds {
		line := d.Summary
		if d.Detail != "" {
			line += " (" + d.Detail + ")"
		}
		if d.Hint != "" {
			line += " (try: " + d.Hint + ")"
		}
		lines = append(lines, line)
	}
	return lines
}

// validDescriptor leaves the options to validOptions.
func validDescriptor(_ context.Context, _ *Plugin, d *ns.Descriptor, _ *Case) Verdict {
	return Verdict{Faults: descriptorFaults(d, nil)}
}

func validOptions(_ context.Context, _ *Plugin, d *ns.Descriptor, _ *Case) Verdict {
	others := descriptorFaults(d, nil)
	all := descriptorFaults(d, d.Options)
	return Verdict{Faults: slices.DeleteFunc(all, func(s string) bool { return slices.Contains(others, s) })}
}

// descriptorFaults returns what would be wrong with d if it had these options.
func descriptorFaults(d *ns.Descriptor, options []ns.Option) []string {
	with := *d
	with.Options = options
	return said(ns.CheckDescriptor(&with))
}

func pureDescribe(ctx context.Context, p *Plugin, d *ns.Descriptor, _ *Case) Verdict {
	if _, err := p.Negotiate(ctx, (&Case{}).Request(d)); err != nil {
		return failure(err)
	}
	again, err := p.Describe(ctx)
	if err == nil && !reflect.DeepEqual(d, again) {
		return fault("the descriptor changed: " + difference(d, again))
	}
	return failure(err)
}

// offerRefused asks for an option that no plugin has.
func offerRefused(ctx context.Context, p *Plugin, d *ns.Descriptor) (*ns.Offer, error) {
	c := Case{Settings: []ns.Setting{{Option: "no-such-option", Args: []string{"x"}}}}
	return p.Negotiate(ctx, c.Request(d))
}

func refusesUnknownOption(ctx context.Context, p *Plugin, d *ns.Descriptor, _ *Case) Verdict {
	offer, err := offerRefused(ctx, p, d)
	if err == nil && !ns.HasErrors(offer.Diagnostics) {
		return fault("--no-such-option was accepted")
	}
	return Verdict{} // an error is for refusesInAnAnswer to tell
}

func refusesInAnAnswer(ctx context.Context, p *Plugin, d *ns.Descriptor, _ *Case) Verdict {
	_, err := offerRefused(ctx, p, d)
	return failure(err)
}

func refusesInWords(ctx context.Context, p *Plugin, d *ns.Descriptor, _ *Case) Verdict {
	offer, err := offerRefused(ctx, p, d)
	if err != nil {
		return skip("it gives no answer: [R-1]")
	}
	return Verdict{Faults: said(ns.CheckDiagnostics(offer.Diagnostics))}
}

// misfits are values that no option of the type takes.
var misfits = map[ns.OptionType]string{ns.Bool: "perhaps", ns.Int: "1e3x", ns.Duration: "soon"}

// misfit returns a value that doesn't fit o, and false if all do.
func misfit(o *ns.Option) (string, bool) {
	if len(o.Enum) > 0 {
		return "no-such-value", true
	}
	value, ok := misfits[o.Type]
	return value, ok
}

func refusesBadValues(ctx context.Context, p *Plugin, d *ns.Descriptor, _ *Case) Verdict {
	v := skip("no option has values that could be wrong")
	for i := range d.Options {
		o := &d.Options[i]
		value, ok := misfit(o)
		if !ok {
			continue
		}
		v.Skip = ""
		args := slices.Repeat([]string{value}, max(1, len(o.Args)))
		offer, err := p.Negotiate(ctx, (&Case{Settings: []ns.Setting{{Option: o.Name, Args: args}}}).Request(d))
		switch {
		case err != nil:
			v.Faults = append(v.Faults, "--"+o.Name+" "+value+": "+err.Error())
		case !ns.HasErrors(offer.Diagnostics):
			v.Faults = append(v.Faults, "--"+o.Name+" "+value+" was accepted")
		}
	}
	return v
}

func validCheck(ctx context.Context, p *Plugin, _ *ns.Descriptor, _ *Case) Verdict {
	ds, err := p.Check(ctx, hostFacts())
	if err != nil {
		return failure(err)
	}
	return Verdict{Faults: said(ns.CheckDiagnostics(ds))}
}

// steadyReview shows the plugin a run of its own alone, twice.
func steadyReview(ctx context.Context, p *Plugin, d *ns.Descriptor, _ *Case) Verdict {
	if !slices.Contains(d.Requires, ns.FeatureReview) {
		return skip("the plugin doesn't require the feature review")
	}
	own := (&Case{}).Request(d)
	plan, err := (&ns.Plan{Version: ns.PlanVersion}).JSON()
	if err != nil {
		return failure(err)
	}
	req := &ns.ReviewRequest{Request: *own, Plan: plan, Command: []string{"true"},
		Members: []ns.ReviewMember{{Name: d.Name, Path: "/" + ns.BinaryPrefix + d.Name, Owns: own.Owns}}}
	first, err := p.Review(ctx, req)
	if err != nil {
		return failure(err)
	}
	again, err := p.Review(ctx, req)
	if err == nil && !reflect.DeepEqual(first, again) {
		return fault("the review changed: " + difference(first, again))
	}
	return Verdict{Faults: append(failure(err).Faults, said(ns.CheckReview(first))...)}
}

// neverRun is the id of a run that never was.
const neverRun = "conform-never-run"

// undoesWithoutSecrets asks to undo as nsrun does for a run with a sensitive
// option, which isn't written down.
func undoesWithoutSecrets(ctx context.Context, p *Plugin, d *ns.Descriptor, c *Case) Verdict {
	if !slices.ContainsFunc(d.Options, func(o ns.Option) bool { return o.Sensitive }) {
		return skip("no option is sensitive")
	}
	return undoesNothing(ctx, p, d, c)
}

func undoesNothing(ctx context.Context, p *Plugin, d *ns.Descriptor, _ *Case) Verdict {
	if !slices.Contains(d.Hooks, ns.PostExec) {
		return skip("the plugin has no post-exec")
	}
	req := &ns.HookRequest{
		Point: ns.PostExec, Plugin: d.Name, RunID: neverRun, RunName: neverRun,
		StateDir: "/nonexistent/" + neverRun, Request: *(&Case{}).Request(d),
	}
	var v Verdict
	for range 3 {
		v.Faults = append(v.Faults, undo(ctx, p, req)...)
	}
	return v
}

// undo calls PostExec and returns what is wrong with the answer.
func undo(ctx context.Context, p *Plugin, req *ns.HookRequest) []string {
	reply, err := p.Hook(ctx, req)
	if err != nil {
		return []string{err.Error()}
	}
	faults := said(ns.CheckReply(req, reply))
	if ns.HasErrors(reply.Diagnostics) {
		faults = append(faults, "post-exec failed: "+strings.Join(said(reply.Diagnostics), "; "))
	}
	return faults
}

func validOffer(ctx context.Context, p *Plugin, d *ns.Descriptor, c *Case) Verdict {
	req := c.Request(d)
	offer, err := p.Negotiate(ctx, req)
	if err != nil {
		return failure(err)
	}
	faults := said(ns.CheckOffer(d, req, offer))
	refused := c.Refused == "" && ns.HasErrors(offer.Diagnostics)
	switch {
	case refused && c.MayRefuse && len(faults) == 0:
		return skip("the plugin refuses this run: " + strings.Join(said(offer.Diagnostics), "; "))
	case refused && !c.MayRefuse:
		faults = append(faults, "refused: "+strings.Join(said(offer.Diagnostics), "; "))
	case c.Refused != "" && !c.refusedIn(offer.Diagnostics):
		faults = append(faults, "not refused with "+c.Refused+": "+strings.Join(said(offer.Diagnostics), "; "))
	}
	return Verdict{Faults: faults}
}

// steadyOffer asks twice, and with another request in between, which leaves
// nothing behind in a plugin that keeps no state.
func steadyOffer(ctx context.Context, p *Plugin, d *ns.Descriptor, c *Case) Verdict {
	first, err := p.Negotiate(ctx, c.Request(d))
	if err != nil {
		return failure(err)
	}
	if _, err := p.Negotiate(ctx, (&Case{}).Request(d)); err != nil {
		return failure(err)
	}
	second, err := p.Negotiate(ctx, c.Request(d))
	if err == nil && !reflect.DeepEqual(first, second) {
		return fault("the offer changed: " + difference(first, second))
	}
	return failure(err)
}

// atOnce is how many calls are made at once.
const atOnce = 4

func concurrentOffers(ctx context.Context, p *Plugin, d *ns.Descriptor, c *Case) Verdict {
	offers, errs := make([]*ns.Offer, atOnce), make([]error, atOnce)
	var all sync.WaitGroup
	for i := range atOnce {
		all.Go(func() { offers[i], errs[i] = p.Negotiate(ctx, c.Request(d)) })
	}
	all.Wait()
	for i := range atOnce {
		switch {
		case errs[i] != nil:
			return failure(errs[i])
		case !reflect.DeepEqual(offers[0], offers[i]):
			return fault("the offers differ: " + difference(offers[0], offers[i]))
		}
	}
	return Verdict{}
}

func ignoresUnknownFields(ctx context.Context, p *Plugin, d *ns.Descriptor, c *Case) Verdict {
	plain, err := p.Negotiate(ctx, c.Request(d))
	if err != nil {
		return failure(err)
	}
	greased, err := p.negotiate(ctx, p.greased, c.Request(d))
	switch {
	case err != nil:
		return fault("with unknown fields: " + err.Error())
	case !reflect.DeepEqual(plain, greased):
		return fault("unknown fields changed the offer: " + difference(plain, greased))
	}
	return Verdict{}
}
