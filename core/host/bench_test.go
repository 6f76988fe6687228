// SPDX-License-Identifier: Apache-2.0

package host

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"github.com/nsrun/nsrun/core/find"
	"github.com/nsrun/nsrun/ns"
)

// BenchmarkFirstReply is the time from nothing to the first offer of n plugins
// that start side by side. Compare BenchmarkProcess.
func BenchmarkFirstReply(b *testing.B) {
	for _, n := range []int{1, 6} {
		b.Run(fmt.Sprintf("plugins=%d", n), func(b *testing.B) {
			ps := copies(b, n)
			for b.Loop() {
				b.StopTimer()
				h := newBenchHost(b)
				b.StartTimer()
				negotiateAll(b, h, ps)
				b.StopTimer()
				h.Close()
				b.StartTimer()
			}
		})
	}
}

// BenchmarkProcess is the floor: a program that links go-plugin starts and exits.
func BenchmarkProcess(b *testing.B) {
	for b.Loop() {
		_ = exec.Command(filepath.Join(bin, "badplugin")).Run() // exits with status 2
	}
}

// BenchmarkLaterReply is the time of a call to a plugin that runs.
func BenchmarkLaterReply(b *testing.B) {
	h := newBenchHost(b)
	defer h.Close()
	ps := copies(b, 1)
	negotiateAll(b, h, ps)
	for b.Loop() {
		if _, err := h.Check(context.Background(), ps[0], ns.Facts{}); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkClose is the time in which six plugins are stopped.
func BenchmarkClose(b *testing.B) {
	ps := copies(b, 6)
	for b.Loop() {
		b.StopTimer()
		h := newBenchHost(b)
		negotiateAll(b, h, ps)
		b.StartTimer()
		h.Close()
	}
}

// copies returns n plugins that behave.
func copies(b *testing.B, n int) []find.Plugin {
	b.Helper()
	dir := b.TempDir()
	if err := os.Chmod(dir, 0o755); err != nil {
		b.Fatal(err)
	}
	ps := make([]find.Plugin, n)
	for i := range ps {
		path := filepath.Join(dir, fmt.Sprintf("%sbad-good%d", ns.BinaryPrefix, i))
		if err := os.Symlink(filepath.Join(bin, "badplugin"), path); err != nil {
			b.Fatal(err)
		}
		ps[i] = found(b, path)
	}
	return ps
}

func newBenchHost(b *testing.B) *Host {
	b.Helper()
	dir := b.TempDir()
	if err := os.Chmod(dir, 0o700); err != nil {
		b.Fatal(err)
	}
	h, err := New(Config{Dir: dir})
	if err != nil {
		b.Fatal(err)
	}
	return h
}

func negotiateAll(b *testing.B, h *Host, ps []find.Plugin) {
	b.Helper()
	var calls sync.WaitGroup
	for _, p := range ps {
		calls.Go(func() {
			if _, err := negotiate(h, p); err != nil {
				b.Error(err)
			}
		})
	}
	calls.Wait()
}
