// SPDX-License-Identifier: Apache-2.0

package conform

import (
	"slices"

	"github.com/nsrun/nsrun/ns"
)

// checksRun has the plugin check what its PreExec has made, before anything is
// undone. That something doesn't hold is no fault: the child has carried out no step.
func (r *runner) checksRun(offer *ns.Offer) Verdict {
	if !slices.Contains(r.descriptor.Features, ns.FeatureCheckRun) {
		return skip("the plugin doesn't have the feature " + ns.FeatureCheckRun)
	}
	return r.whole(offer, func(t *trial, reply *ns.HookReply) (faults []string) {
		return append(changes(func() { faults = t.checkRun(reply.State) }), faults...)
	})
}

// checkRun asks about the run, and returns what is wrong with the answer.
func (t *trial) checkRun(state []byte) []string {
	req := *t.req
	req.Point, req.State = ns.CheckRun, state
	return t.harmless(&req, func(reply *ns.HookReply) []string {
		if len(reply.Diagnostics) == 0 {
			return []string{"it says nothing of the run"}
		}
		return nil
	})
}

// harmless makes a call that is to change nothing, in a process of its own. It returns
// what is wrong with the answer, also by look, and the files that were left.
func (t *trial) harmless(req *ns.HookRequest, look func(*ns.HookReply) []string) []string {
	return t.r.fresh("debug", func(p *process, plugin *Plugin) Verdict {
		before := p.litter() // of PreExec
		reply, err := plugin.Hook(t.r.ctx, req)
		if err != nil {
			return failure(err)
		}
		faults := append(said(ns.CheckReply(req, reply)), look(reply)...)
		made := slices.DeleteFunc(p.litter(), func(left string) bool { return slices.Contains(before, left) })
		return Verdict{Faults: append(faults, made...)}
	})().Faults
}
