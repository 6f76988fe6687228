// SPDX-License-Identifier: Apache-2.0

package conform

import (
	"context"
	"errors"
	"fmt"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	"github.com/nsrun/nsrun/internal/wire"
	"github.com/nsrun/nsrun/ns"
)

// Plugin is a connection to a plugin that serves on a unix socket. A call that
// the plugin broke, by a gRPC error or too late an answer, is an error; what the
// plugin has to say is in the answer's diagnostics.
type Plugin struct {
	limits  Limits
	conn    *grpc.ClientConn
	client  *wire.Client
	greased *wire.Client // sends fields that the plugin can't know
	close   func() error
}

// Dial returns a connection to the plugin at socket, which is made at the first
// call.
func Dial(socket string, limits Limits) (*Plugin, error) {
	conn, err := grpc.NewClient("unix:"+socket, grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(wire.MaxMessage)))
	if err != nil {
		return nil, fmt.Errorf("dial plugin: %w", err)
	}
	greased, other, err := wire.Dial(socket, true)
	if err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return &Plugin{
		limits: limits, conn: conn, client: wire.NewClient(conn), greased: greased,
		close: func() error { return errors.Join(conn.Close(), other.Close()) },
	}, nil
}

// Close closes the connection.
func (p *Plugin) Close() error { return p.close() }

// bounded returns a context that ends with the limit, if there is one.
func bounded(ctx context.Context, limit time.Duration) (context.Context, context.CancelFunc) {
	if limit == 0 {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, limit)
}

// broke returns the error of a call that the plugin broke.
func broke(call string, err error) error {
	if err == nil {
		return nil
	}
	var d *ns.Diagnostic
	if errors.As(err, &d) {
		return fmt.Errorf("%s: %w", call, err)
	}
	s := status.Convert(err)
	return fmt.Errorf("%s: gRPC status %s: %s", call, s.Code(), wire.Printable(s.Message()))
}

// Describe returns what the plugin says of itself.
func (p *Plugin) Describe(ctx context.Context) (*ns.Descriptor, error) {
	ctx, cancel := bounded(ctx, p.limits.Call)
	defer cancel()
	d, err := p.client.Describe(ctx)
	return d, broke("describe", err)
}

// Negotiate returns the plugin's offer.
func (p *Plugin) Negotiate(ctx context.Context, req *ns.Request) (*ns.Offer, error) {
	return p.negotiate(ctx, p.client, req)
}

func (p *Plugin) negotiate(ctx context.Context, client *wire.Client, req *ns.Request) (*ns.Offer, error) {
	ctx, cancel := bounded(ctx, p.limits.Call)
	defer cancel()
	offer, err := client.Negotiate(ctx, req)
	return offer, broke("negotiate", err)
}

// Hook calls the plugin at req.Point.
func (p *Plugin) Hook(ctx context.Context, req *ns.HookRequest) (*ns.HookReply, error) {
	ctx, cancel := bounded(ctx, p.limits.Hook)
	defer cancel()
	reply, err := p.client.Hook(ctx, req)
	return reply, broke(string(req.Point), err)
}

// Review returns what the plugin says of a run.
func (p *Plugin) Review(ctx context.Context, req *ns.ReviewRequest) (*ns.ReviewReply, error) {
	ctx, cancel := bounded(ctx, p.limits.Call)
	defer cancel()
	return p.client.Review(ctx, req)
}

// Check returns what the plugin says of its chances on this host.
func (p *Plugin) Check(ctx context.Context, facts ns.Facts) ([]ns.Diagnostic, error) {
	ctx, cancel := bounded(ctx, p.limits.Check)
	defer cancel()
	ds, err := p.client.Check(ctx, facts)
	return ds, broke("check", err)
}
