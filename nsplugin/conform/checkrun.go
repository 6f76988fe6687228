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

// checkRun asks in a process of its own, and returns what is wrong with the answer.
func (t *trial) checkRun(state []byte) []string {
	req := *t.req
	req.Point, req.State = ns.CheckRun, state
	return t.r.fresh("debug", func(p *process, plugin *Plugin) Verdict {
		before := p.litter() // of PreExec
		reply, err := plugin.Hook(t.r.ctx, &req)
		if err != nil {
			return failure(err)
		}
		faults := said(ns.CheckReply(&req, reply))
		if len(reply.Diagnostics) == 0 {
			faults = append(faults, "it says nothing of the run")
		}
		made := slices.DeleteFunc(p.litter(), func(left string) bool { return slices.Contains(before, left) })
		return Verdict{Faults: append(faults, made...)}
	})().Faults
}
