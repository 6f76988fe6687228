// SPDX-License-Identifier: Apache-2.0

package core

import (
	"context"
	"testing"

	"github.com/nsrun/nsrun/core/find"
	"github.com/nsrun/nsrun/core/journal"
	"github.com/nsrun/nsrun/ns"
)

// checkHost is a host of plugins that can check runs, or can't.
type checkHost struct {
	Host
	features []string
	said     []ns.Diagnostic
}

func (h *checkHost) Describe(context.Context, find.Plugin) (*ns.Descriptor, error) {
	return &ns.Descriptor{Features: h.features}, nil
}

func (h *checkHost) Hook(context.Context, find.Plugin, *ns.HookRequest) (*ns.HookReply, error) {
	return &ns.HookReply{Diagnostics: h.said}, nil
}

// TestARunThatNobodyCheckedIsNotSaidToHold has plugins that don't have the
// feature, that have it and say nothing, and that do as they say.
func TestARunThatNobodyCheckedIsNotSaidToHold(t *testing.T) {
	can := []string{ns.FeatureCheckRun}
	for name, tt := range map[string]struct {
		host checkHost
		want ns.Diagnostic
	}{
		"can't":  {checkHost{}, ns.Diagnostic{Plugin: "p", Severity: ns.Warning, Summary: "the plugin can't check what it made for a run"}},
		"silent": {checkHost{features: can}, ns.Diagnostic{Plugin: "p", Severity: ns.Warning, Summary: "the plugin said nothing of what it made for the run"}},
		"checks": {checkHost{features: can, said: []ns.Diagnostic{{Severity: ns.Notice, Summary: "it is there"}}}, ns.Diagnostic{Severity: ns.Notice, Summary: "it is there"}},
	} {
		t.Run(name, func(t *testing.T) {
			var f Finding
			err := f.askOf(t.Context(), &Session{Host: &tt.host}, []find.Plugin{{Name: "p"}}, &ns.HookRequest{Plugin: "p", Point: ns.CheckRun})
			if err != nil || len(f.Diagnostics) != 1 || f.Diagnostics[0] != tt.want {
				t.Errorf("got %+v, %v, want %+v", f.Diagnostics, err, tt.want)
			}
		})
	}
}

// TestARunOfAnUnknownStateIsNotChecked has a run whose update was cut short.
func TestARunOfAnUnknownStateIsNotChecked(t *testing.T) {
	h := checkHost{features: []string{ns.FeatureCheckRun}, said: []ns.Diagnostic{{Severity: ns.Notice, Summary: "it is there"}}}
	s := &Session{Host: &h}
	run := journal.Entry{Calls: []ns.HookRequest{{Plugin: "p"}}, Updating: []string{"p"}}
	run.Header.Plugins = []find.Plugin{{Name: "p"}}
	found := s.CheckRun(t.Context(), run)
	if len(found) != 1 || len(found[0].Diagnostics) != 1 || found[0].Diagnostics[0].Summary != "an update of the run is under way, or was cut short" {
		t.Errorf("got %+v", found)
	}
}
