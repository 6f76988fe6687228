// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"context"

	"google.golang.org/grpc"

	pb "github.com/nsrun/nsrun/internal/gen/pluginv1"
	"github.com/nsrun/nsrun/ns"
)

// Server is a plugin's end of the protocol. An error that a method returns
// reaches the user as diagnostics (ns.Diagnose), as if the plugin had put them
// into its answer.
type Server interface {
	Describe(ctx context.Context) (*ns.Descriptor, error)
	Negotiate(ctx context.Context, req *ns.Request) (*ns.Offer, error)
	// Hook is called with all points; State is set for those after ns.PreExec.
	Hook(ctx context.Context, req *ns.HookRequest) (*ns.HookReply, error)
	Check(ctx context.Context, facts ns.Facts) ([]ns.Diagnostic, error)
	Review(ctx context.Context, req *ns.ReviewRequest) (*ns.ReviewReply, error)
}

// Register makes s the nsrun service of g.
func Register(g *grpc.Server, s Server) {
	pb.RegisterPluginServer(g, &service{server: s})
}

// service translates between the generated service and a Server.
type service struct {
	pb.UnimplementedPluginServer
	server Server
}

func (s *service) Describe(ctx context.Context, _ *pb.DescribeRequest) (*pb.DescribeResponse, error) {
	d, err := s.server.Describe(ctx)
	return &pb.DescribeResponse{
		Descriptor_: descriptorTo(d),
		Diagnostics: diagnosticsTo(ns.Diagnose(err)),
	}, nil
}

func (s *service) Negotiate(ctx context.Context, req *pb.NegotiateRequest) (*pb.NegotiateResponse, error) {
	offer, err := s.server.Negotiate(ctx, requestFrom(req))
	resp := &pb.NegotiateResponse{Offer: offerTo(offer)}
	resp.Offer.Diagnostics = append(resp.Offer.Diagnostics, diagnosticsTo(ns.Diagnose(err))...)
	return resp, nil
}

func (s *service) PreExec(ctx context.Context, req *pb.PreExecRequest) (*pb.PreExecResponse, error) {
	hook := hookFrom(req.GetRun())
	hook.Point = ns.PreExec
	reply, err := s.server.Hook(ctx, hook)
	resp := replyTo(reply)
	resp.Diagnostics = append(resp.Diagnostics, diagnosticsTo(ns.Diagnose(err))...)
	return resp, nil
}

func (s *service) PostExec(ctx context.Context, req *pb.PostExecRequest) (*pb.PostExecResponse, error) {
	return &pb.PostExecResponse{Diagnostics: s.later(ctx, ns.PostExec, req)}, nil
}

// later calls the plugin at a point after PreExec, and returns all that it says.
func (s *service) later(ctx context.Context, at ns.Point, req interface {
	GetRun() *pb.Run
	GetState() []byte
}) []*pb.Diagnostic {
	hook := hookFrom(req.GetRun())
	hook.Point, hook.State = at, req.GetState()
	reply, err := s.server.Hook(ctx, hook)
	said := ns.Diagnose(err)
	if reply != nil {
		said = append(said, reply.Diagnostics...)
	}
	return diagnosticsTo(said)
}

func (s *service) Check(ctx context.Context, req *pb.CheckRequest) (*pb.CheckResponse, error) {
	if req.GetRun() != nil {
		return &pb.CheckResponse{Diagnostics: s.later(ctx, ns.CheckRun, req)}, nil
	}
	ds, err := s.server.Check(ctx, factsFrom(req.GetFacts()))
	return &pb.CheckResponse{Diagnostics: diagnosticsTo(append(ds, ns.Diagnose(err)...))}, nil
}

func (s *service) Update(ctx context.Context, req *pb.UpdateRequest) (*pb.UpdateResponse, error) {
	reply, err := s.server.Hook(ctx, updateFrom(req))
	resp := updatedTo(reply)
	resp.Diagnostics = append(resp.Diagnostics, diagnosticsTo(ns.Diagnose(err))...)
	return resp, nil
}

func (s *service) Review(ctx context.Context, req *pb.ReviewRequest) (*pb.ReviewResponse, error) {
	reply, err := s.server.Review(ctx, reviewFrom(req))
	resp := &pb.ReviewResponse{Diagnostics: diagnosticsTo(ns.Diagnose(err))}
	if reply != nil {
		resp.Diagnostics = append(diagnosticsTo(reply.Diagnostics), resp.Diagnostics...)
		resp.Freshness = freshnessTo(reply.Freshness)
	}
	return resp, nil
}
