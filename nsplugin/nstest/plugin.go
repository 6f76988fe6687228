// SPDX-License-Identifier: Apache-2.0

package nstest

import (
	"context"
	"net"
	"path/filepath"
	"testing"

	"github.com/nsrun/nsrun/ns"
	"github.com/nsrun/nsrun/nsplugin"
	"github.com/nsrun/nsrun/nsplugin/conform"
)

// Plugin is a plugin that is served in the test's process. Its methods call it
// as nsrun does, and fail the test if the call breaks.
type Plugin struct {
	t    testing.TB
	conn *conform.Plugin
}

// Start serves p until the test ends.
func Start(t testing.TB, p nsplugin.Plugin) *Plugin {
	t.Helper()
	socket := filepath.Join(t.TempDir(), "plugin")
	listener, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- nsplugin.Serve(ctx, listener, p) }()
	t.Cleanup(func() {
		stop()
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	// No limits: a test's machine may be loaded.
	conn, err := conform.Dial(socket, conform.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return &Plugin{t: t, conn: conn}
}

// Describe returns the plugin's descriptor.
func (p *Plugin) Describe() *ns.Descriptor {
	p.t.Helper()
	return must(p.t, p.conn.Describe)
}

// Negotiate returns the plugin's offer. What the plugin refuses is among the
// offer's diagnostics.
func (p *Plugin) Negotiate(req *ns.Request) *ns.Offer {
	p.t.Helper()
	return must(p.t, func(ctx context.Context) (*ns.Offer, error) { return p.conn.Negotiate(ctx, req) })
}

// Hook calls the plugin at req.Point. That the hook failed is among the reply's
// diagnostics.
func (p *Plugin) Hook(req *ns.HookRequest) *ns.HookReply {
	p.t.Helper()
	return must(p.t, func(ctx context.Context) (*ns.HookReply, error) { return p.conn.Hook(ctx, req) })
}

// Review returns what the plugin says of a run. That it refuses the run is among the
// reply's diagnostics.
func (p *Plugin) Review(req *ns.ReviewRequest) *ns.ReviewReply {
	p.t.Helper()
	return must(p.t, func(ctx context.Context) (*ns.ReviewReply, error) { return p.conn.Review(ctx, req) })
}

// Check returns what the plugin says of its chances on this host.
func (p *Plugin) Check(facts ns.Facts) []ns.Diagnostic {
	p.t.Helper()
	return must(p.t, func(ctx context.Context) ([]ns.Diagnostic, error) { return p.conn.Check(ctx, facts) })
}

func must[T any](t testing.TB, call func(context.Context) (T, error)) T {
	t.Helper()
	answer, err := call(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return answer
}
