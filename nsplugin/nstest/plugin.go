// SPDX-License-Identifier: Apache-2.0

package nstest

import (
	"context"
	"net"
	"path/filepath"
	"testing"

	"github.com/nsrun/nsrun/internal/wire"
	"github.com/nsrun/nsrun/ns"
	"github.com/nsrun/nsrun/nsplugin"
)

// Plugin is a plugin that is served in the test's process. Its methods call it
// as nsrun does, and fail the test if the call breaks.
type Plugin struct {
	t       testing.TB
	client  *wire.Client
	greased *wire.Client // sends fields that the plugin can't know
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
	return &Plugin{t: t, client: dial(t, socket, false), greased: dial(t, socket, true)}
}

// in returns p for use in the subtest t.
func (p *Plugin) in(t testing.TB) *Plugin {
	sub := *p
	sub.t = t
	return &sub
}

func dial(t testing.TB, socket string, grease bool) *wire.Client {
	t.Helper()
	c, conn, err := wire.Dial(socket, grease)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return c
}

// Describe returns the plugin's descriptor.
func (p *Plugin) Describe() *ns.Descriptor {
	p.t.Helper()
	d, err := p.client.Describe(p.t.Context())
	if err != nil {
		p.t.Fatal("describe:", err)
	}
	return d
}

// Negotiate returns the plugin's offer. What the plugin refuses is among the
// offer's diagnostics.
func (p *Plugin) Negotiate(req *ns.Request) *ns.Offer {
	p.t.Helper()
	offer, err := p.client.Negotiate(p.t.Context(), req)
	if err != nil {
		p.t.Fatal("negotiate:", err)
	}
	return offer
}

// Hook calls the plugin at req.Point. That the hook failed is among the reply's
// diagnostics.
func (p *Plugin) Hook(req *ns.HookRequest) *ns.HookReply {
	p.t.Helper()
	reply, err := p.client.Hook(p.t.Context(), req)
	if err != nil {
		p.t.Fatal(string(req.Point)+":", err)
	}
	return reply
}

// Check returns what the plugin says of its chances on this host.
func (p *Plugin) Check(facts ns.Facts) []ns.Diagnostic {
	p.t.Helper()
	ds, err := p.client.Check(p.t.Context(), facts)
	if err != nil {
		p.t.Fatal("check:", err)
	}
	return ds
}
