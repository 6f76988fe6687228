// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// journalOf returns the journal of a run with three hooks, and its records.
func journalOf(t *testing.T) ([]byte, []Record) {
	t.Helper()
	r := full(t, open(t))
	text, err := os.ReadFile(filepath.Join(r.Dir(), "journal"))
	if err != nil {
		t.Fatal(err)
	}
	return text, decode(text)
}

// wantPrefix fails unless the records are the first of whole: what follows damage
// isn't to be trusted, and nothing is made up.
func wantPrefix(t *testing.T, what string, at int, got, whole []Record) {
	t.Helper()
	if len(got) > len(whole) {
		t.Fatalf("%s at %d: %d records of %d", what, at, len(got), len(whole))
	}
	if d := cmp.Diff(whole[:len(got)], got, cmpopts.EquateEmpty()); d != "" {
		t.Fatalf("%s at %d: %s", what, at, d)
	}
	owed(got)
}

func TestEveryPrefixOfAJournalIsReadAsFarAsItIsWhole(t *testing.T) {
	text, whole := journalOf(t)
	for n := range len(text) + 1 {
		got := decode(text[:n])
		wantPrefix(t, "cut", n, got, whole)
		if lines := bytes.Count(text[:n], []byte("\n")); len(got) != lines {
			t.Fatalf("cut at %d: %d records of %d whole lines", n, len(got), lines)
		}
	}
}

func TestEveryFlippedBitEndsTheJournal(t *testing.T) {
	text, whole := journalOf(t)
	for i := range text {
		for bit := range 8 {
			flipped := bytes.Clone(text)
			flipped[i] ^= 1 << bit
			got := decode(flipped)
			wantPrefix(t, "flip", i, got, whole)
			if len(got) > bytes.Count(text[:i], []byte("\n")) {
				t.Fatalf("bit %d of byte %d: the damaged record was taken", bit, i)
			}
		}
	}
}

// TestReorderedRecordsOweNoMoreThanTheRunDid swaps any two records.
func TestReorderedRecordsOweNoMoreThanTheRunDid(t *testing.T) {
	_, whole := journalOf(t)
	for i := 1; i < len(whole); i++ {
		for j := 1; j < i; j++ {
			mixed := append([]Record{}, whole...)
			mixed[i], mixed[j] = mixed[j], mixed[i]
			if calls := owed(mixed[1:]); len(calls) != 2 {
				t.Errorf("records %d and %d swapped: owes %d", i, j, len(calls))
			}
		}
	}
}

func FuzzDecode(f *testing.F) {
	line, err := (&Record{Type: Intent, Plugin: "a"}).encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(line) // an intent without its request
	f.Add([]byte("00000000 {}\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		records := decode(text)
		owed(records)
		var again []byte
		for _, r := range records {
			line, err := r.encode()
			if err != nil {
				t.Fatal(err)
			}
			again = append(again, line...)
		}
		if n := len(decode(again)); n != len(records) {
			t.Errorf("%d records, %d when written again", len(records), n)
		}
	})
}
