// SPDX-License-Identifier: Apache-2.0

package core

import (
	"sync"
	"time"
)

// Timings collects how long the phases of a run took. The nil value collects
// nothing.
type Timings struct {
	mu    sync.Mutex
	zero  time.Time
	spans []Span
}

// Span is one phase: from Start, counted from the start of the run, for Duration.
type Span struct {
	Name     string        `json:"name"`
	Start    time.Duration `json:"start"`
	Duration time.Duration `json:"duration"`
}

// NewTimings starts to count at zero.
func NewTimings(zero time.Time) *Timings { return &Timings{zero: zero} }

// Begin starts the span name and returns the function that ends it.
func (t *Timings) Begin(name string) (end func()) {
	if t == nil {
		return func() {}
	}
	start := time.Now()
	return func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		t.spans = append(t.spans, Span{name, start.Sub(t.zero), time.Since(start)})
	}
}

// Spans returns what was collected, in the order in which the spans ended.
func (t *Timings) Spans() []Span {
	if t == nil {
		return nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	return append([]Span(nil), t.spans...)
}
