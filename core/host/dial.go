// SPDX-License-Identifier: Apache-2.0

package host

import (
	"context"
	"fmt"
	"net"
	"os"
	"strings"

	"golang.org/x/sys/unix"
	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/nsrun/nsrun/internal/wire"
)

// dialOptions are the limits of a connection to a plugin; go-plugin's own are
// two gigabytes a message, and no time-out.
func (i *instance) dialOptions() []grpc.DialOption {
	return []grpc.DialOption{
		grpc.WithContextDialer(i.dial),
		grpc.WithConnectParams(grpc.ConnectParams{Backoff: backoff.DefaultConfig, MinConnectTimeout: dialTimeout}),
		grpc.WithDefaultCallOptions(
			grpc.ForceCodecV2(wire.BoundedCodec()),
			grpc.MaxCallRecvMsgSize(wire.MaxMessage),
			grpc.MaxCallSendMsgSize(wire.MaxMessage)),
		grpc.WithMaxHeaderListSize(64 << 10), // an error's text comes in a header
		grpc.WithChainUnaryInterceptor(alwaysDeadline),
		grpc.WithChainStreamInterceptor(refuseBroker),
		grpc.WithDisableServiceConfig(),
	}
}

// dial connects to the plugin's socket and makes sure that it is the plugin
// that listens there. The kernel took the credentials when it called listen(2);
// unix(7), SO_PEERCRED.
func (i *instance) dial(ctx context.Context, _ string) (net.Conn, error) {
	dialer := net.Dialer{Timeout: dialTimeout}
	conn, err := dialer.DialContext(ctx, "unix", i.socket)
	if err != nil {
		return nil, err
	}
	if err := checkPeer(conn.(*net.UnixConn), i.peer); err != nil {
		conn.Close()
		return nil, err
	}
	return conn, nil
}

func checkPeer(conn *net.UnixConn, pid int) error {
	raw, err := conn.SyscallConn()
	if err != nil {
		return err
	}
	var cred *unix.Ucred
	var credErr error
	err = raw.Control(func(fd uintptr) {
		cred, credErr = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED)
	})
	switch {
	case err != nil:
		return err
	case credErr != nil:
		return fmt.Errorf("read peer credentials: %w", credErr)
	case int(cred.Pid) != pid || int(cred.Uid) != os.Geteuid():
		return fmt.Errorf("process %d of uid %d listens there, not the plugin (process %d)", cred.Pid, cred.Uid, pid)
	}
	return nil
}

// alwaysDeadline gives a deadline to calls without one, which are go-plugin's
// own: Shutdown would wait for ever for a plugin that is stopped.
func alwaysDeadline(ctx context.Context, method string, req, reply any, cc *grpc.ClientConn, call grpc.UnaryInvoker, opts ...grpc.CallOption) error {
	if _, ok := ctx.Deadline(); !ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, grace)
		defer cancel()
	}
	return call(ctx, method, req, reply, cc, opts...)
}

// refuseBroker keeps go-plugin's broker from starting: with it a plugin could
// make nsrun keep state for any number of connections, and none is needed.
func refuseBroker(ctx context.Context, desc *grpc.StreamDesc, cc *grpc.ClientConn, method string, open grpc.Streamer, opts ...grpc.CallOption) (grpc.ClientStream, error) {
	if strings.HasPrefix(method, "/plugin.GRPCBroker/") {
		return nil, status.Error(codes.Unimplemented, "nsrun has no broker")
	}
	return open(ctx, desc, cc, method, opts...)
}
