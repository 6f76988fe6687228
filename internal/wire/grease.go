// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"context"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// greaseField is the number of a field that no message has. Version 1 never
// gives a field such a high number.
const greaseField = 15999

// greaseRequests is a client interceptor that puts a field from the future into
// every message sent, nested ones included. The plugin must answer as if it
// weren't there; SPEC.md, "Versions". The name is TLS's: RFC 8701.
func greaseRequests(ctx context.Context, method string, req, reply any,
	cc *grpc.ClientConn, invoke grpc.UnaryInvoker, opts ...grpc.CallOption) error {
	if m, ok := req.(proto.Message); ok {
		grease(m.ProtoReflect())
	}
	return invoke(ctx, method, req, reply, cc, opts...)
}

// grease adds the unknown field to m and to all messages in it.
func grease(m protoreflect.Message) {
	unknown := protowire.AppendTag(m.GetUnknown(), greaseField, protowire.BytesType)
	m.SetUnknown(protowire.AppendString(unknown, "from a later version"))
	m.Range(func(fd protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		switch {
		case fd.Kind() != protoreflect.MessageKind || fd.IsMap():
		case fd.IsList():
			for i := range v.List().Len() {
				grease(v.List().Get(i).Message())
			}
		default:
			grease(v.Message())
		}
		return true
	})
}
