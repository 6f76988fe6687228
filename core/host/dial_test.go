// SPDX-License-Identifier: Apache-2.0

package host

import (
	"context"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

func TestBrokerIsOff(t *testing.T) {
	opened := false
	open := func(context.Context, *grpc.StreamDesc, *grpc.ClientConn, string, ...grpc.CallOption) (grpc.ClientStream, error) {
		opened = true
		return nil, nil
	}
	_, err := refuseBroker(context.Background(), nil, nil, "/plugin.GRPCBroker/StartStream", open)
	if status.Code(err) != codes.Unimplemented || opened {
		t.Errorf("broker: %v, opened %v", err, opened)
	}
	if _, err := refuseBroker(context.Background(), nil, nil, "/plugin.GRPCStdio/StreamStdio", open); err != nil || !opened {
		t.Errorf("stdio: %v, opened %v", err, opened)
	}
}

func TestEveryCallHasADeadline(t *testing.T) {
	var left time.Duration
	call := func(ctx context.Context, _ string, _, _ any, _ *grpc.ClientConn, _ ...grpc.CallOption) error {
		deadline, ok := ctx.Deadline()
		if !ok {
			t.Error("a call has no deadline")
		}
		left = time.Until(deadline)
		return nil
	}
	if err := alwaysDeadline(context.Background(), "m", nil, nil, nil, call); err != nil || left > grace {
		t.Errorf("without a deadline of its own: %s left, %v", left, err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Hour)
	defer cancel()
	if err := alwaysDeadline(ctx, "m", nil, nil, nil, call); err != nil || left < time.Minute {
		t.Errorf("with one of an hour: %s left, %v", left, err)
	}
}
