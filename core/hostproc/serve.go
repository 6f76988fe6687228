// SPDX-License-Identifier: Apache-2.0

package hostproc

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/nsrun/nsrun/core/config"
	"github.com/nsrun/nsrun/core/find"
	"github.com/nsrun/nsrun/ns"
)

// Host is what the plugin host's end calls: core.Host less its Close, and what the
// front doesn't link.
type Host interface {
	Describe(ctx context.Context, p find.Plugin) (*ns.Descriptor, error)
	Negotiate(ctx context.Context, p find.Plugin, req *ns.Request) (*ns.Offer, error)
	Hook(ctx context.Context, p find.Plugin, req *ns.HookRequest) (*ns.HookReply, error)
	Check(ctx context.Context, p find.Plugin, facts ns.Facts) ([]ns.Diagnostic, error)
	Digest(ctx context.Context, p find.Plugin) (string, error)
	Review(ctx context.Context, p find.Plugin, req *ns.ReviewRequest) (*ns.ReviewReply, error)
	// Config reads configuration files.
	Config(ctx context.Context, sources []config.Source) ([]config.File, error)
}

// Serve answers calls that come over conn until it ends, which is no error.
// Calls under way are given up then, and have ended when Serve returns.
func Serve(conn io.ReadWriteCloser, host Host) error {
	ctx, stop := context.WithCancel(context.Background())
	s := &server{framer: framer{conn: conn}, host: host, cancels: map[uint64]context.CancelFunc{}}
	defer s.calls.Wait()
	defer stop()
	for {
		var m call
		err := s.receive(&m)
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return fmt.Errorf("read a call: %w", err)
		case m.Method == cancel:
			s.giveUp(m.ID)
		default:
			call := s.begin(ctx, m.ID)
			s.calls.Go(func() { s.answer(call, m) })
		}
	}
}

type server struct {
	framer
	host    Host
	calls   sync.WaitGroup
	mu      sync.Mutex
	cancels map[uint64]context.CancelFunc
}

func (s *server) begin(ctx context.Context, id uint64) context.Context {
	ctx, stop := context.WithCancel(ctx)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cancels[id] = stop
	return ctx
}

func (s *server) giveUp(id uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if stop, ok := s.cancels[id]; ok {
		stop()
		delete(s.cancels, id)
	}
}

func (s *server) answer(ctx context.Context, m call) {
	defer s.giveUp(m.ID)
	a := answer{ID: m.ID}
	result, err := s.carryOut(ctx, m)
	// With an error there may be a part of a result: the files that could be read.
	var bad error
	a.Result, bad = json.Marshal(result)
	if err := errors.Join(err, bad); err != nil {
		a.Errors = ns.Diagnose(err)
	}
	// If this fails, nsrun is gone, and Serve ends with it.
	_ = s.send(a)
}

func (s *server) carryOut(ctx context.Context, m call) (any, error) {
	switch m.Method {
	case describe:
		return s.host.Describe(ctx, m.Plugin)
	case negotiate:
		return with(m.Arg, func(req *ns.Request) (any, error) { return s.host.Negotiate(ctx, m.Plugin, req) })
	case hook:
		return with(m.Arg, func(req *ns.HookRequest) (any, error) { return s.host.Hook(ctx, m.Plugin, req) })
	case digest:
		return s.host.Digest(ctx, m.Plugin)
	case check:
		return with(m.Arg, func(facts *ns.Facts) (any, error) { return s.host.Check(ctx, m.Plugin, *facts) })
	case review:
		return with(m.Arg, func(req *ns.ReviewRequest) (any, error) { return s.host.Review(ctx, m.Plugin, req) })
	case configure:
		return with(m.Arg, func(sources *[]config.Source) (any, error) { return s.host.Config(ctx, *sources) })
	}
	return nil, fmt.Errorf("BUG(nsrun): the plugin host knows no method %q", m.Method)
}

// with decodes a call's argument for f.
func with[T any](text json.RawMessage, f func(*T) (any, error)) (any, error) {
	var arg T
	if err := json.Unmarshal(text, &arg); err != nil {
		return nil, fmt.Errorf("decode a call: %w", err)
	}
	return f(&arg)
}
