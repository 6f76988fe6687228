// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/nsrun/nsrun/internal/plainfile"
)

// TestWhatWasNeverFinishedIsRemovedAtOnce has what an nsrun leaves that is killed while
// it makes its run directory, and one that is being made.
func TestWhatWasNeverFinishedIsRemovedAtOnce(t *testing.T) {
	b := open(t)
	for name, leave := range map[string]func(dir string){
		"empty":    func(string) {},
		"unlocked": func(dir string) { os.WriteFile(filepath.Join(dir, "journal"), nil, 0o600) },
		"alive": func(dir string) {
			f, err := createLocked(filepath.Join(dir, "journal"))
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { f.Close() })
		},
	} {
		dir := filepath.Join(b.runs(), newPrefix+name)
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		leave(dir)
	}
	if dead, err := b.Dead(); err != nil || len(dead) > 0 {
		t.Errorf("dead: %v, %v", dead, err)
	}
	left, err := readNames(b.runs())
	if err != nil || len(left) != 1 || left[0] != newPrefix+"alive" {
		t.Errorf("left %q, %v; want the one that is being made", left, err)
	}
}

// TestNoRunIsSweptAwayWhileItIsMade has others look for what is left all the time.
func TestNoRunIsSweptAwayWhileItIsMade(t *testing.T) {
	b := open(t)
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			select {
			case <-stop:
				return
			default:
				b.names()
			}
		}
	}()
	for range 500 {
		r := create(t, b, "")
		if _, err := plainfile.Read(filepath.Join(r.Dir(), "journal")); err != nil {
			t.Fatal(err)
		}
		if err := r.Remove(); err != nil {
			t.Fatal(err)
		}
	}
	close(stop)
	<-stopped
	if left, err := readNames(b.runs()); err != nil || len(left) > 0 {
		t.Errorf("left %q, %v", left, err)
	}
}
