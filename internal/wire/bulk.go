// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"errors"

	"google.golang.org/grpc/encoding"
	_ "google.golang.org/grpc/encoding/proto" // registers the codec that boundedCodec wraps
	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// ErrBulk says that a message has more parts than one can have that keeps the
// limits of SPEC.md, "Calls".
var ErrBulk = errors.New("more parts than the limits allow")

// A part takes two bytes on the wire, and when it is decoded a string 16 bytes and
// a message 200: 4 MiB become 400. bulkLimit is more than the limits of lists add
// up to, and less than 8 MiB.
const (
	bulkLimit     = 1 << 18
	bulkOfMessage = 16
	bulkOfOther   = 1
)

// boundedCodec is gRPC's codec for protobuf, but for messages of too many parts,
// which it refuses before they are decoded.
type boundedCodec struct{ encoding.CodecV2 }

// BoundedCodec returns the codec for connections to a plugin.
func BoundedCodec() encoding.CodecV2 { return boundedCodec{encoding.GetCodecV2("proto")} }

// Unmarshal implements [encoding.CodecV2].
func (c boundedCodec) Unmarshal(data mem.BufferSlice, v any) error {
	if m, ok := v.(proto.Message); ok {
		left := bulkLimit
		if !spend(&left, data.Materialize(), m.ProtoReflect().Descriptor()) {
			return ErrBulk
		}
	}
	return c.CodecV2.Unmarshal(data, v)
}

// spend takes what the parts of the message in b weigh from left, and reports
// whether that was enough. What isn't protobuf is left to the decoder to refuse.
func spend(left *int, b []byte, message protoreflect.MessageDescriptor) bool {
	for len(b) > 0 {
		number, kind, n := protowire.ConsumeTag(b)
		size := 0
		if n > 0 {
			size = protowire.ConsumeFieldValue(number, kind, b[n:])
		}
		if n < 0 || size < 0 {
			return true
		}
		part := b[n : n+size]
		b = b[n+size:]
		field := message.Fields().ByNumber(number)
		if field == nil || field.Message() == nil || kind != protowire.BytesType {
			*left -= bulkOfOther
		} else {
			*left -= bulkOfMessage
			inner, _ := protowire.ConsumeBytes(part)
			if !spend(left, inner, field.Message()) {
				return false
			}
		}
		if *left < 0 {
			return false
		}
	}
	return true
}
