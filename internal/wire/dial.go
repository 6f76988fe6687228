// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"fmt"
	"io"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
)

// Dial returns a client of the plugin that serves on the unix socket at path,
// without a handshake, and what closes its connection. It connects at the first
// call. With grease, every message sent has fields that the plugin can't know.
//
// It serves tests. The plugin host dials by go-plugin, and checks its peer.
func Dial(path string, grease bool) (*Client, io.Closer, error) {
	opts := []grpc.DialOption{
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(MaxMessage)),
	}
	if grease {
		opts = append(opts, grpc.WithUnaryInterceptor(greaseRequests))
	}
	cc, err := grpc.NewClient("unix:"+path, opts...)
	if err != nil {
		return nil, nil, fmt.Errorf("dial plugin: %w", err)
	}
	return NewClient(cc), cc, nil
}
