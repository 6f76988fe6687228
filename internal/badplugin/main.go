// SPDX-License-Identifier: Apache-2.0

// Command badplugin is a plugin that misbehaves, for the tests of the plugin
// host. How is the MODE of its file name, nsrun-plugin-bad-MODE; the modes are
// the keys of the tables in start.go, handshake.go, answer.go and offer.go. In mode "good"
// it behaves.
package main

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"os"
	"os/signal"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/nsrun/nsrun/internal/wire"
)

func main() {
	mode, ok := strings.CutPrefix(filepath.Base(os.Args[0]), "nsrun-plugin-bad-")
	if !ok {
		fmt.Fprintln(os.Stderr, "badplugin: run as nsrun-plugin-bad-MODE, by tests only")
		os.Exit(2)
	}
	if os.Getenv(wire.CookieKey) != wire.CookieValue && !slices.Contains([]string{"helper", "listen", "sleeper", "byhand"}, mode) {
		fmt.Fprintln(os.Stderr, "badplugin: a plugin for tests")
		os.Exit(2)
	}
	signal.Notify(make(chan os.Signal, 1), os.Interrupt)
	if mode != "nolifeline" {
		go watchLifeline()
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
		Logger:          hclog.NewNullLogger(),
		GRPCServer: func(opts []grpc.ServerOption) *grpc.Server {
			if mode == "future" {
				opts = append(opts, grpc.UnknownServiceHandler(func(any, grpc.ServerStream) error { return nil }))
			}
			if mode == "glutton" {
				opts = append(opts, grpc.MaxRecvMsgSize(math.MaxInt32))
			}
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
		case mode == "rudely" && call == "Negotiate" && strings.Contains(fmt.Sprint(req), "no-such-option"):
			return nil, status.Error(codes.InvalidArgument, "no such option")
		case mode == "longstatus" && call == "Negotiate":
			return nil, status.Error(codes.Internal, strings.Repeat("x", 1<<20))
		case mode == "unimplemented" && call == "Negotiate":
			return nil, status.Error(codes.Unimplemented, "")
		case mode == "noshutdown" && call == "Shutdown":
			return nil, status.Error(codes.Unimplemented, "")
		case mode == "glutton" && call == "Negotiate" && proto.Size(req.(proto.Message)) > 1<<20:
			return &emptypb.Empty{}, nil
		case mode == "nested" && call == "Negotiate":
			return nested(), nil
		case mode == "strict" && len(req.(proto.Message).ProtoReflect().GetUnknown()) > 0:
			return nil, status.Error(codes.InvalidArgument, "what is that?")
		case mode == "giveup" && ctx.Err() != nil:
			os.Exit(5)
		}
		if mode == "giveup" && call == "Negotiate" {
			defer context.AfterFunc(ctx, func() { os.Exit(5) })()
			time.Sleep(20 * time.Millisecond)
		}
		return handle(ctx, req)
	}
}

// nested returns a message whose one field holds itself as often as fits into 4 MiB:
// a reader that follows it runs out of stack.
func nested() proto.Message {
	m := &emptypb.Empty{}
	m.ProtoReflect().SetUnknown(bytes.Repeat(protowire.AppendTag(nil, 15, protowire.StartGroupType), 4_000_000))
	return m
}
