// SPDX-License-Identifier: Apache-2.0

package host

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/nsrun/nsrun/ns"
)

// Deadlines for plugins that hang are short just where they hang, so that a
// loaded machine changes nothing.
var (
	patient = Deadlines{Start: 20 * time.Second, Describe: 20 * time.Second, Negotiate: 20 * time.Second}
	hasty   = Deadlines{Start: 2 * time.Second, Describe: 20 * time.Second, Negotiate: 20 * time.Second}
	short   = Deadlines{Start: 20 * time.Second, Describe: 20 * time.Second, Negotiate: 2 * time.Second, PreExec: time.Second}
)

// slack is what a call may take beyond its deadline.
const slack = 3 * time.Second

// badPlugin is one way to misbehave, and what the user reads about it.
type badPlugin struct{ mode, summary, detail string }

// TestPluginsThatEndTooEarly has plugins that end, or print, before the handshake.
func TestPluginsThatEndTooEarly(t *testing.T) {
	expectInTime(t, []badPlugin{
		{"exit0", "start plugin: exited with status 0 before the handshake", ""},
		{"exit127", "start plugin: exited with status 127 before the handshake", "it printed: cannot load libfoo.so"},
		{"panic-early", "start plugin: exited with status 2 before the handshake", "it printed: panic: no luck today"},
		{"segv-early", "start plugin: crashed (signal 11, segmentation fault) before the handshake", ""},
		{"banner", `start plugin: printed "welcome to badplugin" before the handshake`, "nothing else may be printed"},
		{"escape", `start plugin: printed "\x1b[2Jcleared" before the handshake`, ""},
		{"daemon-exit", "start plugin: exited with status 3 before the handshake", ""},
	})
}

// TestPluginsWithABadHandshake has plugins that begin as no plugin may.
func TestPluginsWithABadHandshake(t *testing.T) {
	expectInTime(t, []badPlugin{
		{"silent", "start plugin: no handshake within 2s", "printed nothing"},
		{"partial", "start plugin: no handshake within 2s", `it printed only "1|1|un"`},
		{"slow", "start plugin: no handshake within 2s", `it printed only "111`},
		{"closed", "start plugin: the handshake is missing: standard output was closed", ""},
		{"endless", "start plugin: the handshake is a line longer than 4 KiB", ""},
		{"core9", "start plugin: speaks go-plugin handshake 9, and this nsrun 1", ""},
		{"api9", "start plugin: speaks protocol 9, and this nsrun 1", ""},
		{"netrpc", `start plugin: speaks RPC protocol "netrpc", and this nsrun grpc`, ""},
		{"oldform", `start plugin: speaks RPC protocol "", and this nsrun grpc`, ""},
		{"cert", "start plugin: the handshake names a TLS certificate", ""},
		{"fields", "start plugin: the handshake has 8 fields", ""},
		{"tcp", `start plugin: the handshake names a "tcp" address, "127.0.0.1:`, ""},
		{"foreign", `start plugin: the handshake names a socket outside of its directory: "/run/foreign.sock"`, ""},
		{"abstract", `start plugin: the handshake names a socket outside of its directory: "@nsrun-foreign"`, ""},
		{"dotdot", "start plugin: the handshake names a socket outside of its directory", ""},
		{"missing", "start plugin: the handshake names a socket that isn't there", ""},
		{"file", "start plugin: the handshake names what is no socket", ""},
		{"symlink", "start plugin: the handshake names what is no socket", ""},
		{"noaccept", "negotiate: the plugin broke (Unavailable)", ""},
		{"garbage", "negotiate: the plugin broke (Unavailable)", ""},
		{"peer", "negotiate: the plugin broke (Unavailable)", "listens there, not the plugin"},
	})
}

// TestPluginsThatBreakInACall has plugins that hang or crash when they are asked.
func TestPluginsThatBreakInACall(t *testing.T) {
	expectInTime(t, []badPlugin{
		{"hang", "negotiate: no answer within 2s", ""},
		{"stop", "negotiate: no answer within 2s", ""},
		{"panic", "negotiate: plugin exited with status 2", "it printed: panic: no luck today"},
		{"segv", "negotiate: plugin crashed (signal 11, segmentation fault)", ""},
		{"exit", "negotiate: plugin exited with status 4", ""},
	})
}

// TestPluginsWithBadAnswers has plugins that answer what nobody can take.
func TestPluginsWithBadAnswers(t *testing.T) {
	expectInTime(t, []badPlugin{
		{"huge", "negotiate: the answer is larger than 4 MiB", ""},
		{"manysteps", "negotiate: the answer has more parts than the limits allow", "4096 steps"},
		{"millionsteps", "negotiate: the answer has more parts than the limits allow", "4096 steps"},
		{"nested", "negotiate: the plugin broke (Internal)", ""},
		{"somesteps", "read offer: 5000 steps", ""},
		{"unknownstep", `read offer: step 1: unknown op "shell"`, ""},
		{"othername", `says that its name is "somebody"`, ""},
		{"descriptor", "read descriptor: version is missing", "also read descriptor: summary is missing"},
		{"requires", `requires the feature "time travel"`, ""},
		{"badoption", `unknown type "number"`, ""},
		{"status", "negotiate: the plugin broke (Internal)", "\uFFFD[2Jsaid this"},
		{"longstatus", "negotiate: the plugin broke", ""},
		{"unimplemented", "negotiate: the plugin doesn't know this call", ""},
	})
}

// expectInTime wants that the user reads what is wrong with each plugin, and reads
// it in time. newHost makes sure that nothing is left.
func expectInTime(t *testing.T, plugins []badPlugin) {
	t.Helper()
	for _, tt := range plugins {
		t.Run(tt.mode, func(t *testing.T) {
			t.Parallel()
			deadlines := patient
			switch {
			case strings.HasSuffix(tt.summary, "no handshake within 2s"):
				deadlines = hasty
			case strings.HasSuffix(tt.summary, "no answer within 2s"):
				deadlines = short
			}
			h := newHost(t, func(c *Config) { c.Deadlines = deadlines })
			begin := time.Now()
			_, err := negotiate(h, bad(t, tt.mode))
			if took, limit := time.Since(begin), deadlines.Start+deadlines.Negotiate+slack; took > limit {
				t.Errorf("answered after %s, limit %s", took, limit)
			}
			wantDiagnostic(t, err, tt.mode, tt.summary, tt.detail)
		})
	}
}

func wantDiagnostic(t *testing.T, err error, mode, summary, detail string) {
	t.Helper()
	d, ok := errors.AsType[*ns.Diagnostic](err)
	if !ok {
		t.Fatalf("error is %v, want a diagnostic", err)
	}
	if d.Plugin != "bad-"+mode {
		t.Errorf("plugin is %q, want %q", d.Plugin, "bad-"+mode)
	}
	if !strings.Contains(d.Summary, summary) {
		t.Errorf("summary is %q, want %q", d.Summary, summary)
	}
	if !strings.Contains(d.Detail, detail) {
		t.Errorf("detail is %q, want %q", d.Detail, detail)
	}
	if d.Hint == "" {
		t.Error("no hint")
	}
	for _, s := range []string{d.Summary, d.Detail, d.Hint} {
		if strings.ContainsAny(s, "\x1b\n") || len(s) > 16<<10 {
			t.Errorf("not fit for a terminal: %d bytes, %.100q", len(s), s)
		}
	}
}

// TestOddPlugins has plugins that do what they shouldn't, and work all the same.
func TestOddPlugins(t *testing.T) {
	for _, mode := range []string{
		"good", "json", "flood-early", "flood-stdout", "flood-stderr", "flood-stream", "longline", "daemon", "deaf",
		"noshutdown", "nolifeline", "loud",
	} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			h := newHost(t, func(c *Config) { c.Deadlines = patient })
			if _, err := negotiate(h, bad(t, mode)); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestDiagnosticsOfThePluginAreFitForATerminal(t *testing.T) {
	h := newHost(t)
	offer, err := negotiate(h, bad(t, "ansi"))
	if err != nil {
		t.Fatal(err)
	}
	d := offer.Diagnostics[0]
	if d.Plugin != "bad-ansi" || strings.ContainsAny(d.Summary, "\x1b\n") || len(d.Detail) > 16<<10 {
		t.Errorf("got %.100q", d)
	}
}

func TestPluginThatBrokeIsStartedAnew(t *testing.T) {
	h := newHost(t, func(c *Config) { c.Deadlines = short })
	p := bad(t, "prehang")
	undo := func() (pid int) {
		t.Helper()
		if _, err := h.Hook(context.Background(), p, &ns.HookRequest{Plugin: p.Name, Point: ns.PostExec}); err != nil {
			t.Fatal(err)
		}
		h.mu.Lock()
		defer h.mu.Unlock()
		return h.running[p].proc.pid
	}
	before := undo()
	_, err := h.Hook(context.Background(), p, &ns.HookRequest{Plugin: p.Name, Point: ns.PreExec})
	wantDiagnostic(t, err, "prehang", "pre-exec: no answer within 1s", "")
	if after := undo(); after == before {
		t.Errorf("process %d serves on beside its hanging call", after)
	}
}

func TestLateStepsAreChecked(t *testing.T) {
	h := newHost(t)
	p := bad(t, "latestep")
	_, err := h.Hook(context.Background(), p, &ns.HookRequest{Plugin: p.Name, Point: ns.PreExec})
	wantDiagnostic(t, err, "latestep", `unknown op "shell"`, "")
}

// TestAnUpdateOfOtherOptionsIsRefused has a plugin that gives a run what nobody asked for.
func TestAnUpdateOfOtherOptionsIsRefused(t *testing.T) {
	p := bad(t, "updatesothers")
	_, err := newHost(t).Hook(t.Context(), p, &ns.HookRequest{Plugin: p.Name, Point: ns.Update})
	wantDiagnostic(t, err, "updatesothers", "settings that differ in options that were not to be changed", "")
}

// TestPluginsWithBadDiagnostics has plugins that say what can't be told, or say it
// where it isn't heard.
func TestPluginsWithBadDiagnostics(t *testing.T) {
	h := newHost(t, func(c *Config) { c.Deadlines = patient })
	for mode, want := range map[string]string{
		"baddiag": `diagnostic 1: unknown severity "dreadful"`, "rudely": "negotiate: the plugin broke (InvalidArgument)",
	} {
		p := bad(t, mode)
		req := request(p)
		req.Settings = []ns.Setting{{Option: "no-such-option", Args: []string{"1"}}}
		_, err := h.Negotiate(t.Context(), p, req)
		wantDiagnostic(t, err, mode, want, "")
	}
	_, err := h.Check(t.Context(), bad(t, "badcheck"), ns.Facts{})
	wantDiagnostic(t, err, "badcheck", `diagnostic 1: unknown severity "dreadful"`, "")
}

// TestPluginsThatDoNotUndo has plugins whose PostExec fails, which is told each
// time, or doesn't answer.
func TestPluginsThatDoNotUndo(t *testing.T) {
	h := newHost(t, func(c *Config) {
		c.Deadlines = patient
		c.Deadlines.PostExec = 20 * time.Second
	})
	for mode, want := range map[string]string{
		"undofails": "no such thing", "undoonce": "already gone", "needskey": "no key to undo with",
	} {
		var said []string
		for range 2 {
			p := bad(t, mode)
			reply, err := h.Hook(t.Context(), p, &ns.HookRequest{Plugin: p.Name, Point: ns.PostExec})
			if err != nil {
				t.Fatal(err)
			}
			for _, d := range reply.Diagnostics {
				said = append(said, d.Plugin+": "+d.Error())
			}
		}
		if all := strings.Join(said, "\n"); !strings.Contains(all, "bad-"+mode) || !strings.Contains(all, want) {
			t.Errorf("%s: told %q, want %q", mode, all, want)
		}
	}
}

func TestPostExecThatHangsIsGivenUp(t *testing.T) {
	h := newHost(t, func(c *Config) {
		c.Deadlines = patient
		c.Deadlines.PostExec = time.Second
	})
	p := bad(t, "undohangs")
	_, err := h.Hook(t.Context(), p, &ns.HookRequest{Plugin: p.Name, Point: ns.PostExec})
	wantDiagnostic(t, err, "undohangs", "post-exec: no answer within 1s", "")
}
