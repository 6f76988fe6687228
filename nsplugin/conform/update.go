// SPDX-License-Identifier: Apache-2.0

package conform

import (
	"strings"

	"github.com/nsrun/nsrun/ns"
)

// refusesUpdate has the plugin take from a run what it doesn't have.
func (r *runner) refusesUpdate(offer *ns.Offer) Verdict {
	return r.updates(offer, func(option string, req *ns.HookRequest) { req.Remove = settingsOf(option, "conform") }, func(reply *ns.HookReply) []string {
		if !ns.HasErrors(reply.Diagnostics) {
			return []string{"it says that it has taken away what was not there"}
		}
		return nil
	})
}

// updatesNothing has the plugin change nothing: all stays as it is.
func (r *runner) updatesNothing(offer *ns.Offer) Verdict {
	return r.updates(offer, func(string, *ns.HookRequest) {}, func(reply *ns.HookReply) []string { return said(reply.Diagnostics) })
}

func settingsOf(option, value string) []ns.Setting {
	return []ns.Setting{{Option: option, Args: []string{value}}}
}

// updates has the plugin change a run, by a request that ask fills in, and looks at the
// answer. The host is to be as it was.
func (r *runner) updates(offer *ns.Offer, ask func(option string, req *ns.HookRequest), look func(*ns.HookReply) []string) Verdict {
	option := updatable(r.descriptor)
	if option == "" {
		return skip("the plugin has no feature that begins with " + ns.FeatureUpdate)
	}
	return r.whole(offer, func(t *trial, made *ns.HookReply) (faults []string) {
		req := *t.req
		req.Point, req.State = ns.Update, made.State
		ask(option, &req)
		return append(changes(func() { faults = t.harmless(&req, look) }), faults...)
	})
}

// updatable returns an option that the plugin can change while the command runs, or "".
func updatable(d *ns.Descriptor) string {
	for _, feature := range d.Features {
		if option, ok := strings.CutPrefix(feature, ns.FeatureUpdate); ok {
			return option
		}
	}
	return ""
}
