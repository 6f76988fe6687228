// SPDX-License-Identifier: Apache-2.0

// Command badplugin is a plugin that misbehaves, for the tests of the plugin
// host. How is the MODE of its file name, nsrun-plugin-bad-MODE; the modes are
// the keys of the tables in start.go, handshake.go and answer.go. In mode "good"
// it behaves.
package main

import (
	"context"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/nsrun/nsrun/internal/wire"
)

func main() {
	mode, ok := strings.CutPrefix(filepath.Base(os.Args[0]), "nsrun-plugin-bad-")
	if !ok {
		fmt.Fprintln(os.Stderr, "badplugin: run as nsrun-plugin-bad-MODE, by tests only")
		os.Exit(2)
	}
	if f, ok := starts[mode]; ok {
		f()
	}
	if f, ok := handshakes[mode]; ok {
		f()
		sleep()
	}
	serve(mode)
}

// serve serves as the SDK does, without its care for the caller.
func serve(mode string) {
	plugin.Serve(&plugin.ServeConfig{
		HandshakeConfig: wire.Handshake(),
		Plugins:         wire.PluginSet(&server{mode: mode}),
		GRPCServer: func(opts []grpc.ServerOption) *grpc.Server {
			return grpc.NewServer(append(opts, grpc.UnaryInterceptor(intercept(mode)))...)
		},
	})
}

// intercept answers calls below the level of nsrun's protocol.
func intercept(mode string) grpc.UnaryServerInterceptor {
	return func(ctx context.Context, req any, info *grpc.UnaryServerInfo, handle grpc.UnaryHandler) (any, error) {
		call := path.Base(info.FullMethod)
		switch {
		case mode == "deaf" && call == "Shutdown":
			sleep()
		case mode == "status" && call == "Negotiate":
			return nil, status.Error(codes.Internal, "\x1b[2Jsaid\nthis")
		case mode == "longstatus" && call == "Negotiate":
			return nil, status.Error(codes.Internal, strings.Repeat("x", 1<<20))
		case mode == "unimplemented" && call == "Negotiate":
			return nil, status.Error(codes.Unimplemented, "")
		}
		return handle(ctx, req)
	}
}
