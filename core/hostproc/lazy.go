// SPDX-License-Identifier: Apache-2.0

package hostproc

import (
	"context"
	"sync"
	"time"

	"github.com/nsrun/nsrun/core/config"
	"github.com/nsrun/nsrun/core/find"
	"github.com/nsrun/nsrun/ns"
)

// Lazy is a client that starts its plugin host at the first call, and again at
// the first after Close or after the plugin host's death. It implements core.Host.
type Lazy struct {
	// Dir is the directory for sockets of plugins. Required.
	Dir string
	// Debug makes the plugin host log.
	Debug bool
	// KeepWarm is how long a plugin host stays for later runs of the same user,
	// and makes this one use such a plugin host if there is one. Zero: neither.
	KeepWarm time.Duration

	mu     sync.Mutex
	client *Client
}

// Keep sets KeepWarm. A plugin host that was started for another duration is ended.
func (l *Lazy) Keep(d time.Duration) {
	if l.KeepWarm == d {
		return
	}
	l.Close()
	l.KeepWarm = d
}

func (l *Lazy) get() (*Client, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.client != nil && l.client.reason() == nil {
		return l.client, nil
	}
	client, err := l.open()
	if err != nil {
		return nil, err
	}
	l.client = client
	return client, nil
}

// open returns a warm plugin host's client, or starts a plugin host.
func (l *Lazy) open() (*Client, error) {
	program, err := locate()
	if err != nil {
		return nil, err
	}
	o := Options{Dir: l.Dir, Debug: l.Debug, KeepWarm: l.KeepWarm}
	if l.Debug {
		o.KeepWarm = 0 // what it logs depends on who started it
	}
	return open(program, o)
}

// Describe implements core.Host.
func (l *Lazy) Describe(ctx context.Context, p find.Plugin) (*ns.Descriptor, error) {
	c, err := l.get()
	if err != nil {
		return nil, err
	}
	return c.Describe(ctx, p)
}

// Negotiate implements core.Host.
func (l *Lazy) Negotiate(ctx context.Context, p find.Plugin, req *ns.Request) (*ns.Offer, error) {
	c, err := l.get()
	if err != nil {
		return nil, err
	}
	return c.Negotiate(ctx, p, req)
}

// Hook implements core.Host.
func (l *Lazy) Hook(ctx context.Context, p find.Plugin, req *ns.HookRequest) (*ns.HookReply, error) {
	c, err := l.get()
	if err != nil {
		return nil, err
	}
	return c.Hook(ctx, p, req)
}

// Check implements core.Host.
func (l *Lazy) Check(ctx context.Context, p find.Plugin, facts ns.Facts) ([]ns.Diagnostic, error) {
	c, err := l.get()
	if err != nil {
		return nil, err
	}
	return c.Check(ctx, p, facts)
}

// Digest implements core.Host.
func (l *Lazy) Digest(ctx context.Context, p find.Plugin) (string, error) {
	c, err := l.get()
	if err != nil {
		return "", err
	}
	return c.Digest(ctx, p)
}

// Review implements core.Host.
func (l *Lazy) Review(ctx context.Context, p find.Plugin, req *ns.ReviewRequest) (*ns.ReviewReply, error) {
	c, err := l.get()
	if err != nil {
		return nil, err
	}
	return c.Review(ctx, p, req)
}

// Config has the plugin host read configuration files.
func (l *Lazy) Config(ctx context.Context, sources []config.Source) ([]config.File, error) {
	c, err := l.get()
	if err != nil {
		return nil, err
	}
	return c.Config(ctx, sources)
}

// Close stops the plugin host, if there is one, and with it all plugins. It
// doesn't wait for that.
func (l *Lazy) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.client == nil {
		return nil
	}
	client := l.client
	l.client = nil
	return client.Close()
}
