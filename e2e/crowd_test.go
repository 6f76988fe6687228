// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"
)

// The crowd: so many sandboxes are alive at once, of which so many start at a time.
const (
	crowd     = 16
	longCrowd = 200
	atATime   = 8
	firstPort = 18000 // of the host; each sandbox has the next one
)

// TestCrowdOnOneBridge has many sandboxes on one bridge. Each has an address of its
// own, each reaches every other and is reached by its published port, and nothing is
// left of them.
func TestCrowdOnOneBridge(t *testing.T) {
	requireRoot(t)
	count := crowd
	if long() {
		count = longCrowd
	}
	for _, plugin := range []string{"net", "net=native"} {
		t.Run(plugin, func(t *testing.T) {
			host := newAlone(t)
			// Makes the bridge and the tables that all share, and warms the cache.
			host.run(t, "nsrun --plugins pid,"+plugin+",mount -p 18999:80 true")
			before := host.run(t, snapshot)
			all := make([]*guest, count)
			took := stopwatch(t, count)
			each(t, count, func(i int) (err error) {
				all[i], err = host.admit(fmt.Sprint("guest", i), plugin, fmt.Sprintf("-p %d:80", firstPort+i))
				return err
			})
			took("started")
			checkAddresses(t, all)
			each(t, count, func(i int) error { return all[i].meet(all[i+1:]) })
			took("met each other")
			host.run(t, "meet ask "+published(all))
			took("were reached by their ports")
			each(t, count, func(i int) error { return all[i].leave() })
			took("ended")
			if after := host.run(t, snapshot); after != before {
				t.Errorf("left:\n%s\n--- want ---\n%s", after, before)
			}
		})
	}
}

// each calls f for 0 to n-1, some at a time, and fails the test with all that is wrong.
func each(t *testing.T, n int, f func(i int) error) {
	t.Helper()
	errs, turns := make([]error, n), make(chan struct{}, atATime)
	var all sync.WaitGroup
	for i := range n {
		turns <- struct{}{}
		all.Go(func() {
			errs[i] = f(i)
			<-turns
		})
	}
	all.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}

// stopwatch logs how long each part took since the one before.
func stopwatch(t *testing.T, count int) func(part string) {
	last := time.Now()
	return func(part string) {
		t.Logf("%d sandboxes %s in %v", count, part, time.Since(last).Round(time.Millisecond))
		last = time.Now()
	}
}

func checkAddresses(t *testing.T, all []*guest) {
	t.Helper()
	seen := map[string]string{}
	for _, g := range all {
		if other := seen[g.address]; other != "" {
			t.Errorf("%s and %s both have %s", other, g.name, g.address)
		}
		seen[g.address] = g.name
	}
}

// published are the host's ports of all, as meet takes them.
func published(all []*guest) string {
	var b strings.Builder
	for i, g := range all {
		fmt.Fprintf(&b, "127.0.0.1:%d=%s ", firstPort+i, g.name)
	}
	return b.String()
}
