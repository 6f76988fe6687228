// SPDX-License-Identifier: Apache-2.0

package nettest

import (
	"fmt"
	"sync"

	"github.com/nsrun/nsrun/ns"
)

// many attaches and detaches sandboxes side by side. Each has an address of its own,
// each reaches the others, and nothing is left.
func many(h *Host, kit Kit) {
	const count, atOnce = 24, 8
	boxes, backends := make([]*Sandbox, count), make([]Backend, count)
	for i := range boxes {
		boxes[i], backends[i] = h.NewSandbox(), kit.New(publish(fmt.Sprintf("%d:80", 18000+i)))
	}
	addresses := make([]string, count)
	h.each(count, atOnce, func(i int) error {
		reply, err := boxes[i].Pre(backends[i])
		if err == nil {
			addresses[i] = reply.Results["address"]
		}
		return err
	})
	seen := map[string]bool{}
	for i, s := range boxes {
		if addresses[i] == "" || seen[addresses[i]] {
			h.T.Fatalf("addresses %v", addresses)
		}
		seen[addresses[i]] = true
		s.Serve(80, s.ID)
	}
	for i, s := range boxes {
		next := (i + 1) % count
		h.Expect(s.Path, addresses[next]+":80", boxes[next].ID)
		h.Expect(h.Path, fmt.Sprintf("127.0.0.1:%d", 18000+i), s.ID)
	}
	h.each(count, atOnce, func(i int) error { return boxes[i].Post(backends[i]) })
	for i, s := range boxes {
		h.Lacks(s.ID, addresses[i], `(veth|nsrv)\w*`)
	}
}

// each calls f(0) to f(n-1) on threads in the host's namespace, some at once.
func (h *Host) each(n, atOnce int, f func(i int) error) {
	h.T.Helper()
	var all sync.WaitGroup
	turn := make(chan struct{}, atOnce)
	errs := make([]error, n)
	for i := range n {
		turn <- struct{}{}
		all.Go(func() {
			errs[i] = In(h.Path, func() error { return f(i) })
			<-turn
		})
	}
	all.Wait()
	for i, err := range errs {
		if err != nil {
			h.T.Fatalf("sandbox %d: %v", i, ns.Diagnose(err))
		}
	}
}
