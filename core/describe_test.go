// SPDX-License-Identifier: Apache-2.0

package core

import (
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

func TestSideBySideIsBoundedAndKeepsTheOrder(t *testing.T) {
	const n = 5 * atOnce
	var now, most atomic.Int32
	var want []error
	for i := range n {
		want = append(want, fmt.Errorf("%d", i))
	}
	err := sideBySide(n, func(i int) error {
		running := now.Add(1)
		defer now.Add(-1)
		for m := most.Load(); running > m && !most.CompareAndSwap(m, running); m = most.Load() {
		}
		time.Sleep(time.Millisecond * time.Duration(n-i) / 10) // the last would end first
		return want[i]
	})
	if got := most.Load(); got < 2 || got > atOnce {
		t.Errorf("%d ran at once, want 2 to %d", got, atOnce)
	}
	if got := strings.Split(err.Error(), "\n"); len(got) != n || err.Error() != errors.Join(want...).Error() {
		t.Errorf("errors are %q", got)
	}
}
