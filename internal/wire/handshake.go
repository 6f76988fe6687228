// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"context"
	"errors"

	"github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"
)

const (
	// CookieKey and CookieValue are the environment variable by which a plugin
	// knows that nsrun started it; SPEC.md, "Handshake". It guards against
	// starting a plugin by hand, not against attackers.
	CookieKey   = "NSRUN_PLUGIN"
	CookieValue = "6e7372756e2d706c7567696e2d76310a"

	// ProtocolVersion is the version of the protocol, the second field of the
	// handshake line.
	ProtocolVersion = 1

	// SetName names the one service of a plugin in go-plugin's plugin set.
	SetName = "nsrun"

	// MaxMessage is the largest message in bytes, in either direction.
	MaxMessage = 4 << 20

	// EnvLogLevel holds the least severe level that the plugin should log:
	// debug, info, warn or error.
	EnvLogLevel = "NSRUN_LOG_LEVEL"

	// EnvLifeline holds the number of a file descriptor that reads end of file
	// when nsrun is gone.
	EnvLifeline = "NSRUN_LIFELINE"
)

// Handshake returns what both sides must agree on before they speak.
func Handshake() plugin.HandshakeConfig {
	return plugin.HandshakeConfig{
		ProtocolVersion:  ProtocolVersion,
		MagicCookieKey:   CookieKey,
		MagicCookieValue: CookieValue,
	}
}

// PluginSet returns the plugin set for go-plugin. A plugin passes the server of
// its service; nsrun passes nil, and dispenses a [Client] under [SetName].
func PluginSet(s Server) plugin.PluginSet {
	return plugin.PluginSet{SetName: &grpcPlugin{server: s}}
}

// grpcPlugin implements plugin.GRPCPlugin for either side.
type grpcPlugin struct {
	plugin.NetRPCUnsupportedPlugin
	server Server
}

func (p *grpcPlugin) GRPCServer(_ *plugin.GRPCBroker, s *grpc.Server) error {
	if p.server == nil {
		return errors.New("BUG(nsrun): serve a plugin without a server")
	}
	Register(s, p.server)
	return nil
}

func (p *grpcPlugin) GRPCClient(_ context.Context, _ *plugin.GRPCBroker, cc *grpc.ClientConn) (any, error) {
	return NewClient(cc), nil
}
