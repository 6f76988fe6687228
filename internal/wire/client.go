// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"context"
	"fmt"

	"google.golang.org/grpc"

	pb "github.com/nsrun/nsrun/internal/gen/pluginv1"
	"github.com/nsrun/nsrun/ns"
)

// Client is nsrun's end of the protocol. Its methods return a gRPC status error
// when the plugin broke; what the plugin itself had to say is in the
// diagnostics of the answer. Answers are not validated.
type Client struct{ service pb.PluginClient }

// NewClient returns a client that calls the plugin at the other end of cc.
func NewClient(cc grpc.ClientConnInterface) *Client {
	return &Client{service: pb.NewPluginClient(cc)}
}

// Describe returns what the plugin says of itself. A plugin that says it can't
// describe itself gives all that it says of it, as *ns.Diagnostic, as the error.
func (c *Client) Describe(ctx context.Context) (*ns.Descriptor, error) {
	resp, err := c.service.Describe(ctx, &pb.DescribeRequest{})
	if err != nil {
		return nil, err
	}
	if err := ns.Errors(diagnosticsFrom(resp.GetDiagnostics())); err != nil {
		return nil, err
	}
	return descriptorFrom(resp.GetDescriptor_()), nil
}

// Negotiate returns the plugin's offer.
func (c *Client) Negotiate(ctx context.Context, req *ns.Request) (*ns.Offer, error) {
	resp, err := c.service.Negotiate(ctx, requestTo(req))
	if err != nil {
		return nil, err
	}
	return offerFrom(resp.GetOffer()), nil
}

// Hook calls the plugin at req.Point. A hook that failed has an error among the
// diagnostics of its reply.
func (c *Client) Hook(ctx context.Context, req *ns.HookRequest) (*ns.HookReply, error) {
	switch req.Point {
	case ns.PreExec:
		resp, err := c.service.PreExec(ctx, &pb.PreExecRequest{Run: runTo(req)})
		if err != nil {
			return nil, err
		}
		return replyFrom(resp), nil
	case ns.PostExec:
		resp, err := c.service.PostExec(ctx, &pb.PostExecRequest{Run: runTo(req), State: req.State})
		if err != nil {
			return nil, err
		}
		return &ns.HookReply{Diagnostics: diagnosticsFrom(resp.GetDiagnostics())}, nil
	case ns.CheckRun:
		resp, err := c.service.Check(ctx, &pb.CheckRequest{Facts: factsTo(req.Request.Facts), Run: runTo(req), State: req.State})
		if err != nil {
			return nil, err
		}
		return &ns.HookReply{Diagnostics: diagnosticsFrom(resp.GetDiagnostics())}, nil
	case ns.Update:
		resp, err := c.service.Update(ctx, updateTo(req))
		if err != nil {
			return nil, err
		}
		return updatedFrom(resp), nil
	}
	return nil, fmt.Errorf("BUG(nsrun): call a hook: unknown point %q", req.Point)
}

// Review returns what the plugin says of the run.
func (c *Client) Review(ctx context.Context, req *ns.ReviewRequest) (*ns.ReviewReply, error) {
	resp, err := c.service.Review(ctx, reviewTo(req))
	if err != nil {
		return nil, err
	}
	return &ns.ReviewReply{Diagnostics: diagnosticsFrom(resp.GetDiagnostics()), Freshness: freshnessFrom(resp.GetFreshness())}, nil
}

// Check returns what stands in the way of the plugin's work on this host.
func (c *Client) Check(ctx context.Context, facts ns.Facts) ([]ns.Diagnostic, error) {
	resp, err := c.service.Check(ctx, &pb.CheckRequest{Facts: factsTo(facts)})
	if err != nil {
		return nil, err
	}
	return diagnosticsFrom(resp.GetDiagnostics()), nil
}
