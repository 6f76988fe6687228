// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/nsrun/nsrun/ns"
)

// TestARunOfAnEarlierBootIsUndoneByItsIDAlone has a run whose directory outlived the
// machine's going down, one that a kernel saw whose start isn't known, and one of this start.
func TestARunOfAnEarlierBootIsUndoneByItsIDAlone(t *testing.T) {
	for _, tt := range []struct {
		name, boot string
		want       []ns.HookRequest
	}{
		{"this one", boot(), calls("sb")},
		{"an earlier one", "67a4a3f0-0000-4000-8000-000000000000", calls("")},
		{"not known", "", calls("sb")},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := open(t)
			r := full(t, b)
			must(t, r.Close())
			rewrite(t, r, func(rec *Record) { rec.Boot = tt.boot })
			dead, err := b.Dead()
			if err != nil || len(dead) != 1 {
				t.Fatalf("dead: %v, %v", dead, err)
			}
			must(t, dead[0].Hold()) // which reads what others have written
			if d := cmp.Diff(tt.want, dead[0].Owed(), cmpopts.EquateEmpty()); d != "" {
				t.Error(d)
			}
			if got, want := dead[0].OfEarlierBoot(), tt.name == "an earlier one"; got != want {
				t.Errorf("of an earlier boot: %v", got)
			}
			must(t, dead[0].Remove())
		})
	}
}

// calls are what the run of full owes, b with the state.
func calls(state string) []ns.HookRequest {
	return []ns.HookRequest{{Point: ns.PostExec, Plugin: "c"}, {Point: ns.PostExec, Plugin: "b", State: []byte(state)}}
}

// rewrite changes the intents of a run's journal.
func rewrite(t *testing.T, r *Run, change func(*Record)) {
	t.Helper()
	path := filepath.Join(r.Dir(), "journal")
	text, err := os.ReadFile(path)
	must(t, err)
	var changed []byte
	for _, rec := range decode(text) {
		if rec.Type == Intent {
			change(&rec)
		}
		line, err := rec.encode()
		must(t, err)
		changed = append(changed, line...)
	}
	must(t, os.WriteFile(path, changed, 0o600))
}
