// SPDX-License-Identifier: Apache-2.0

package core

import (
	"context"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/nsrun/nsrun/core/cache"
	"github.com/nsrun/nsrun/core/find"
	"github.com/nsrun/nsrun/core/journal"
	"github.com/nsrun/nsrun/ns"
)

// updateHost is a host of one plugin, and remembers what that was asked.
type updateHost struct {
	Host
	descriptor ns.Descriptor
	reply      ns.HookReply
	err        error
	asked      *ns.HookRequest
}

func (h *updateHost) Describe(context.Context, find.Plugin) (*ns.Descriptor, error) {
	return &h.descriptor, nil
}

func (h *updateHost) Hook(_ context.Context, _ find.Plugin, req *ns.HookRequest) (*ns.HookReply, error) {
	h.asked = req
	return &h.reply, h.err
}

// able returns a host of a plugin that can change the published ports of a run.
func able() *updateHost {
	return &updateHost{descriptor: ns.Descriptor{
		Name: "p", Features: []string{ns.FeatureUpdate + "publish"},
		Options: []ns.Option{{Name: "publish", Type: ns.String, Repeated: true}, {Name: "mtu", Type: ns.Int}},
	}}
}

var (
	mtu = ns.Setting{Option: "mtu", Args: []string{"1400"}}
	web = ns.Setting{Option: "publish", Args: []string{"80:80"}}
	add = Change{Kind: ns.Net, Option: "publish", Add: []string{"80:80"}}
)

// updateSession returns a session with one live run, of which p has made the network.
func updateSession(t *testing.T, h *updateHost, more ...func(*journal.Run) error) (*Session, journal.Entry) {
	t.Helper()
	base, err := journal.Open(filepath.Join(t.TempDir(), "nsrun"))
	if err != nil {
		t.Fatal(err)
	}
	run, err := base.Create(journal.Header{Name: "r", Plugins: []find.Plugin{{Name: "p"}}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { run.Close() })
	for _, write := range more {
		if err := write(run); err != nil {
			t.Fatal(err)
		}
	}
	runs, err := base.List()
	if err != nil {
		t.Fatal(err)
	}
	return &Session{Host: h, Base: base, Cache: cache.Open(t.TempDir()), Log: slog.New(slog.DiscardHandler), Notice: func(*ns.Diagnostic) {}}, runs[0]
}

func attached(run *journal.Run) error {
	return run.Intent(&ns.HookRequest{Plugin: "p", Request: ns.Request{Owns: []ns.Kind{ns.Net}, Settings: []ns.Setting{mtu}}})
}

func answered(run *journal.Run) error {
	return run.Done("p", &ns.HookReply{State: []byte("made"), Results: map[string]string{"address": "192.0.2.7"}})
}

func started(run *journal.Run) error { return run.Started(&journal.Joining{}) }

// TestOnlyWhoCanIsAskedToChangeARun has runs and plugins that are in the way.
func TestOnlyWhoCanIsAskedToChangeARun(t *testing.T) {
	for _, tt := range []struct {
		name, want string
		change     func(h *updateHost)
		records    []func(*journal.Run) error
		add        string
	}{
		{"not started", "update run r: its command has not started yet", nil, []func(*journal.Run) error{attached, answered}, "80:80"},
		{"no network", "update run r: no plugin has made anything for its net namespace", nil, []func(*journal.Run) error{started}, "80:80"},
		{"without the feature", "update run r: the plugin p can't change --publish while the command runs",
			func(h *updateHost) { h.descriptor.Features = []string{ns.FeatureUpdate + "mtu"} }, nil, "80:80"},
		{"without the option", "the plugin p can't change --publish while the command runs",
			func(h *updateHost) { h.descriptor.Options = nil }, nil, "80:80"},
		{"reviewed", "update run r: the plugin p has approved it as it is",
			func(h *updateHost) { h.descriptor.Requires = []string{ns.FeatureReview} }, nil, "80:80"},
		{"no text", `read --publish: "\xff" is not UTF-8 text`, nil, nil, "\xff"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := able()
			if tt.change != nil {
				tt.change(h)
			}
			if tt.records == nil {
				tt.records = []func(*journal.Run) error{attached, answered, started}
			}
			s, run := updateSession(t, h, tt.records...)
			err := s.Update(t.Context(), run, Change{Kind: ns.Net, Option: "publish", Add: []string{tt.add}})
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %s", err, tt.want)
			}
			if h.asked != nil {
				t.Errorf("the plugin was asked: %+v", h.asked)
			}
		})
	}
}

// TestAnUpdateIsWrittenDown has a plugin make the change, refuse it, break, and answer
// what nobody could undo the run with.
func TestAnUpdateIsWrittenDown(t *testing.T) {
	for _, tt := range []struct {
		name     string
		change   func(h *updateHost)
		want     string // the error
		settings []ns.Setting
		state    string
		updating bool
	}{
		{"made", func(*updateHost) {}, "", []ns.Setting{mtu, web}, "changed", false},
		{"refused", func(h *updateHost) { h.reply = ns.HookReply{Diagnostics: []ns.Diagnostic{{Summary: "in use"}}} },
			"in use", []ns.Setting{mtu}, "made", false},
		{"broken", func(h *updateHost) { h.err = &ns.Diagnostic{Summary: "no answer"} }, "no answer", []ns.Setting{mtu}, "", true},
		{"nonsense", func(h *updateHost) { h.reply.Settings[1].Args = nil }, "got 0 of 1 arguments", []ns.Setting{mtu}, "", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := able()
			h.reply = ns.HookReply{Settings: []ns.Setting{mtu, {Option: "publish", Args: []string{"80:80"}}}, State: []byte("changed")}
			tt.change(h)
			s, run := updateSession(t, h, attached, answered, started)
			err := s.Update(t.Context(), run, add)
			if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
			asked := ns.HookRequest{Point: ns.Update, Plugin: "p", State: []byte("made"), Add: []ns.Setting{web}, Remove: []ns.Setting{},
				Request: ns.Request{Owns: []ns.Kind{ns.Net}, Settings: []ns.Setting{mtu}}}
			if d := cmp.Diff(&asked, h.asked); d != "" {
				t.Errorf("asked (-want +got):\n%s", d)
			}
			runs, err := s.Base.List()
			if err != nil {
				t.Fatal(err)
			}
			call := runs[0].Calls[0]
			if d := cmp.Diff(tt.settings, call.Request.Settings); d != "" || string(call.State) != tt.state || len(runs[0].Updating) > 0 != tt.updating {
				t.Errorf("written down: state %q, updating %q, settings (-want +got):\n%s", call.State, runs[0].Updating, d)
			}
		})
	}
}
