// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/nsrun/nsrun/ns"
)

func open(t *testing.T) *Base {
	t.Helper()
	b, err := Open(filepath.Join(t.TempDir(), "nsrun"))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func create(t *testing.T, b *Base, name string) *Run {
	t.Helper()
	r, err := b.Create(Header{Name: name, Argv: []string{"true"}})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// full returns a run with three hooks: one undone, one done, one only intended.
func full(t *testing.T, b *Base) *Run {
	t.Helper()
	r := create(t, b, "")
	steps := []error{
		r.Child(42),
		r.Intent(&ns.HookRequest{Plugin: "a"}), r.Done("a", &ns.HookReply{State: []byte("sa")}),
		r.Intent(&ns.HookRequest{Plugin: "b"}), r.Done("b", &ns.HookReply{State: []byte("sb"), Results: map[string]string{"address": "192.0.2.7"}}),
		r.Intent(&ns.HookRequest{Plugin: "c"}),
		r.Undone("a"),
	}
	for _, err := range steps {
		if err != nil {
			t.Fatal(err)
		}
	}
	return r
}

func TestOwedIsEveryIntentNotUndoneLatestFirst(t *testing.T) {
	want := []ns.HookRequest{
		{Point: ns.PostExec, Plugin: "c"},
		{Point: ns.PostExec, Plugin: "b", State: []byte("sb")},
	}
	b := open(t)
	r := full(t, b)
	if d := cmp.Diff(want, r.Owed()); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	r.Close()
	dead, err := b.Dead()
	if err != nil || len(dead) != 1 {
		t.Fatalf("%d dead runs, %v; want 1", len(dead), err)
	}
	if d := cmp.Diff(want, dead[0].Owed()); d != "" {
		t.Errorf("read back (-want +got):\n%s", d)
	}
}

func TestARunIsAliveUntilItsLockIsReleased(t *testing.T) {
	b := open(t)
	r := full(t, b)
	if dead, _ := b.Dead(); len(dead) != 0 {
		t.Error("a live run counts as dead")
	}
	runs, err := b.List()
	if err != nil || len(runs) != 1 || !runs[0].Alive || runs[0].Child != 42 {
		t.Fatalf("got %+v, %v", runs, err)
	}
	if got := runs[0].Results["b"]["address"]; got != "192.0.2.7" {
		t.Errorf("result is %q", got)
	}
	r.Close()
	if runs, _ = b.List(); runs[0].Alive {
		t.Error("a run without its lock counts as alive")
	}
}

func TestRemoveLeavesNothing(t *testing.T) {
	b := open(t)
	r := full(t, b)
	dir, err := r.Sub("state")
	if err != nil {
		t.Fatal(err)
	}
	os.WriteFile(filepath.Join(dir, "file"), nil, 0o600)
	if err := r.Remove(); err != nil {
		t.Fatal(err)
	}
	if left, _ := os.ReadDir(b.runs()); len(left) != 0 {
		t.Errorf("left: %v", left)
	}
}

func TestANameIsTakenOnlyWhileItsRunLives(t *testing.T) {
	b := open(t)
	r := create(t, b, "web")
	if _, err := b.Create(Header{Name: "web"}); err == nil || !strings.Contains(err.Error(), "a run named web is alive already") {
		t.Errorf("got %v", err)
	}
	r.Close()
	if _, err := b.Create(Header{Name: "web"}); err != nil {
		t.Error(err)
	}
}

func TestOpenRefusesADirectoryThatOthersCanUse(t *testing.T) {
	tests := map[string]func(dir string){
		"mode 0755 lets others in": func(dir string) { os.Mkdir(dir, 0o755); os.Chmod(dir, 0o755) },
		"not a directory":          func(dir string) { os.Symlink(t.TempDir(), dir) },
		"no such file":             func(dir string) {},
	}
	for want, prepare := range tests {
		t.Run(want, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "nsrun")
			if want == "no such file" {
				dir = filepath.Join(dir, "deeper")
			}
			prepare(dir)
			if _, err := Open(dir); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("got %v", err)
			}
		})
	}
}

// A journal cut at any byte must read as a prefix of what was written: a hook
// may be owed that was undone already, but none may be forgotten.
func TestATornJournalOwesAtLeastWhatItDid(t *testing.T) {
	b := open(t)
	r := full(t, b)
	text, err := os.ReadFile(filepath.Join(r.dir, "journal"))
	if err != nil {
		t.Fatal(err)
	}
	whole := decode(text)
	for n := range text {
		got := decode(text[:n])
		if d := cmp.Diff(whole[:len(got)], got, cmpopts.EquateEmpty()); d != "" {
			t.Fatalf("cut at %d (-want +got):\n%s", n, d)
		}
	}
}

func TestADamagedRecordEndsTheJournal(t *testing.T) {
	b := open(t)
	r := full(t, b)
	text, _ := os.ReadFile(filepath.Join(r.dir, "journal"))
	whole := decode(text)
	for i := range text {
		flipped := append([]byte(nil), text...)
		flipped[i] ^= 1
		got := decode(flipped)
		if len(got) >= len(whole) {
			t.Fatalf("byte %d flipped: still %d records", i, len(got))
		}
		if d := cmp.Diff(whole[:len(got)], got, cmpopts.EquateEmpty()); d != "" {
			t.Fatalf("byte %d flipped (-want +got):\n%s", i, d)
		}
	}
}
