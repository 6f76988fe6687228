// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"reflect"
	"testing"

	"google.golang.org/protobuf/proto"

	pb "github.com/nsrun/nsrun/internal/gen/pluginv1"
	"github.com/nsrun/nsrun/ns"
)

// FuzzOffer sends what no honest plugin sends. Whatever is taken must travel
// unchanged, and nothing may make nsrun panic.
func FuzzOffer(f *testing.F) {
	offer := filled[ns.Offer]()
	good := &pb.Offer{Kinds: []string{"net"}, Steps: []*pb.Step{{Op: "link-up", Target: "lo", IfExists: true}}}
	mapped := &pb.Offer{Kinds: []string{"mount"}, Steps: []*pb.Step{{Op: "bind", Source: "/a", Target: "/b", Attrs: []string{"ro", "idmap"}}}}
	for _, o := range []*pb.Offer{{}, offerTo(&offer), good, mapped} {
		seed, err := proto.Marshal(o)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(seed)
	}
	d := &ns.Descriptor{Kinds: ns.Kinds(), Hooks: []ns.Point{ns.PreExec, ns.PostExec}}
	req := &ns.Request{Kinds: ns.Kinds()}
	f.Fuzz(func(t *testing.T, data []byte) {
		var message pb.Offer
		if proto.Unmarshal(data, &message) != nil {
			return
		}
		offer := offerFrom(&message)
		req.Owns = offer.Kinds
		if ns.CheckOffer(d, req, offer) != nil {
			return
		}
		if again := offerFrom(offerTo(offer)); !reflect.DeepEqual(offer, again) {
			t.Errorf("an offer that is taken changes on its way: %+v, then %+v", offer, again)
		}
	})
}
