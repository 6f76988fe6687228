// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"errors"
	"testing"

	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/proto"

	pb "github.com/nsrun/nsrun/internal/gen/pluginv1"
)

// offerOf returns the answer with so many steps and claims, and what it is on the
// wire.
func offerOf(t *testing.T, steps, claims int) mem.BufferSlice {
	t.Helper()
	offer := &pb.Offer{Claims: make([]string, claims)}
	for range steps {
		offer.Steps = append(offer.Steps, &pb.Step{Op: "bind", Attrs: []string{"ro", "nosuid", "nodev"}})
	}
	b, err := proto.Marshal(&pb.NegotiateResponse{Offer: offer})
	if err != nil {
		t.Fatal(err)
	}
	return mem.BufferSlice{mem.SliceBuffer(b)}
}

func TestMessagesOfTooManyPartsAreNotDecoded(t *testing.T) {
	for _, tt := range []struct {
		steps, claims int
		want          error
	}{
		{4096, 1024, nil},
		{100_000, 0, ErrBulk},
		{0, 1_000_000, ErrBulk},
	} {
		var got pb.NegotiateResponse
		err := BoundedCodec().Unmarshal(offerOf(t, tt.steps, tt.claims), &got)
		if !errors.Is(err, tt.want) {
			t.Errorf("%d steps and %d claims: %v, want %v", tt.steps, tt.claims, err, tt.want)
		}
		if n := len(got.GetOffer().GetSteps()); tt.want == nil && n != tt.steps || tt.want != nil && n > 0 {
			t.Errorf("of %d steps, %d were decoded", tt.steps, n)
		}
	}
}
