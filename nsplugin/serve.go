// SPDX-License-Identifier: Apache-2.0

package nsplugin

import (
	"context"
	"fmt"
	"net"

	"google.golang.org/grpc"

	"github.com/nsrun/nsrun/internal/wire"
)

// Serve serves p to whoever connects to l, until ctx is done: the plugin's
// service alone, without the handshake of [Main]. It closes l. Package nstest
// tests plugins through it.
func Serve(ctx context.Context, l net.Listener, p Plugin) error {
	g := grpcServer(nil)
	wire.Register(g, newServer(p))
	defer context.AfterFunc(ctx, g.Stop)()
	if err := g.Serve(l); err != nil && ctx.Err() == nil {
		return fmt.Errorf("serve plugin: %w", err)
	}
	return nil
}

func grpcServer(opts []grpc.ServerOption) *grpc.Server {
	return grpc.NewServer(append(opts, grpc.MaxRecvMsgSize(wire.MaxMessage))...)
}
