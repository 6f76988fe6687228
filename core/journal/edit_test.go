// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/nsrun/nsrun/ns"
)

// published are settings of one published port.
func published(port string) []ns.Setting {
	return []ns.Setting{{Option: "publish", Args: []string{port}}}
}

// live returns a run with a plugin b that has published a port.
func live(t *testing.T, b *Base) *Run {
	t.Helper()
	r := create(t, b, "")
	req := &ns.HookRequest{Plugin: "b", Request: ns.Request{Settings: published("80:80")}}
	must(t, r.Intent(req))
	must(t, r.Done("b", &ns.HookReply{State: []byte("made"), Results: map[string]string{"ports": "80->80/tcp", "address": "192.0.2.7", "mac": "x"}}))
	return r
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func edit(t *testing.T, b *Base, r *Run) *Edit {
	t.Helper()
	e, err := b.Edit(r.Header().ID)
	must(t, err)
	return e
}

// call is what PostExec is to be called with.
func call(state string, settings []ns.Setting) []ns.HookRequest {
	c := ns.HookRequest{Point: ns.PostExec, Plugin: "b", Request: ns.Request{Settings: settings}}
	if state != "" {
		c.State = []byte(state)
	}
	return []ns.HookRequest{c}
}

// TestTheRunsEndKnowsOfUpdates has a run updated in each way, and looks at what the
// run's own nsrun, those who collect it, and those who list it know then.
func TestTheRunsEndKnowsOfUpdates(t *testing.T) {
	changed := &ns.HookReply{Settings: published("81:81"), State: []byte("changed"), Results: map[string]string{"ports": "81->81/tcp", "mac": ""}}
	for _, tt := range []struct {
		name     string
		update   func(e *Edit) error
		want     []ns.HookRequest
		ports    string
		updating []string
	}{
		{"finished", func(e *Edit) error { return e.End("b", changed) }, call("changed", published("81:81")), "81->81/tcp", nil},
		{"cut short", func(*Edit) error { return nil }, call("", published("80:80")), "80->80/tcp", []string{"b"}},
		{"refused", func(e *Edit) error { return e.Cancel("b") }, call("made", published("80:80")), "80->80/tcp", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := open(t)
			r := live(t, b)
			e := edit(t, b, r)
			must(t, e.Begin("b"))
			must(t, tt.update(e))
			must(t, e.Close())
			runs, err := b.List()
			must(t, err)
			if got := runs[0]; got.Results["b"]["ports"] != tt.ports || got.Results["b"]["address"] != "192.0.2.7" || !cmp.Equal(got.Updating, tt.updating) {
				t.Errorf("listed with %v, updating %q", got.Results, got.Updating)
			}
			if _, has := runs[0].Results["b"]["mac"]; has != (tt.name != "finished") {
				t.Errorf("listed with %v", runs[0].Results)
			}
			must(t, r.Hold())
			if d := cmp.Diff(tt.want, r.Owed()); d != "" {
				t.Errorf("its own nsrun (-want +got):\n%s", d)
			}
			must(t, r.Close())
			dead, err := b.Dead()
			if err != nil || len(dead) != 1 {
				t.Fatalf("%d dead runs, %v", len(dead), err)
			}
			must(t, dead[0].Hold())
			if d := cmp.Diff(tt.want, dead[0].Owed()); d != "" {
				t.Errorf("who collects it (-want +got):\n%s", d)
			}
		})
	}
}

// TestAnUpdateAfterOneThatWasCutShort stays unfinished if it is refused, and is as good as
// any if it isn't.
func TestAnUpdateAfterOneThatWasCutShort(t *testing.T) {
	b := open(t)
	r := live(t, b)
	e := edit(t, b, r)
	must(t, e.Begin("b"))
	must(t, e.Close())
	e = edit(t, b, r)
	must(t, e.Begin("b"))
	must(t, e.Cancel("b"))
	if d := cmp.Diff(call("", published("80:80")), e.Calls()); d != "" {
		t.Errorf("refused (-want +got):\n%s", d)
	}
	if runs, _ := b.List(); len(runs[0].Updating) != 1 {
		t.Error("refused, and it counts as known what is there")
	}
	must(t, e.Begin("b"))
	must(t, e.End("b", &ns.HookReply{State: []byte("anew")}))
	if d := cmp.Diff(call("anew", nil), e.Calls()); d != "" {
		t.Errorf("done (-want +got):\n%s", d)
	}
}

// TestTheEndOfARunWaitsForAnUpdate takes the time between both.
func TestTheEndOfARunWaitsForAnUpdate(t *testing.T) {
	b := open(t)
	r := live(t, b)
	e := edit(t, b, r)
	must(t, e.Begin("b"))
	const while = 200 * time.Millisecond
	go func() {
		time.Sleep(while)
		e.End("b", &ns.HookReply{State: []byte("changed")})
		e.Close()
	}()
	begin := time.Now()
	must(t, r.Hold())
	if took := time.Since(begin); took < while {
		t.Errorf("it waited %v", took)
	}
	if d := cmp.Diff(call("changed", nil), r.Owed()); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	// From now on nobody can begin another one.
	if r.holdFor(0); (&Edit{other(t, r)}).run.holdFor(0) {
		t.Error("an update begins while the run is undone")
	}
}

// other opens the journal of r once more.
func other(t *testing.T, r *Run) *Run {
	t.Helper()
	f, err := os.OpenFile(filepath.Join(r.dir, "journal"), os.O_RDWR, 0)
	must(t, err)
	t.Cleanup(func() { f.Close() })
	return &Run{dir: r.dir, journal: f}
}

// TestOnlyLiveRunsAreUpdated refuses those that have ended, and a journal that nobody
// would read to its end.
func TestOnlyLiveRunsAreUpdated(t *testing.T) {
	b := open(t)
	refused := func(id, want string) {
		t.Helper()
		if _, err := b.Edit(id); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	refused("nowhere", "update run nowhere: it has ended")
	killed := live(t, b)
	must(t, killed.Close())
	refused(killed.Header().ID, "it has ended")
	for _, damage := range []string{"half a line", "a line of something else\n"} {
		torn := live(t, b)
		_, err := torn.journal.WriteString(damage)
		must(t, err)
		refused(torn.Header().ID, "its journal is damaged")
	}
}
