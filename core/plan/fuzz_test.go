// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"encoding/json"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/nsrun/nsrun/ns"
)

// FuzzMerge has parts that contradict each other in any way, in any order: the plan,
// or what is wrong with it, is the same.
func FuzzMerge(f *testing.F) {
	for _, parts := range [][]Part{
		{mountPart(), netPart("net"), utsPart("box"), userPart()},
		{netPart("a"), netPart("b")},
		{utsPart("a"), utsPart("b"), mountPart()},
	} {
		seed, err := json.Marshal(parts)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(seed, uint64(1))
	}
	f.Fuzz(func(t *testing.T, text []byte, seed uint64) {
		var parts []Part
		if json.Unmarshal(text, &parts) != nil || !distinct(parts) {
			return
		}
		want := outcome(parts)
		r := rand.New(rand.NewPCG(seed, 0))
		for range 3 {
			r.Shuffle(len(parts), func(i, j int) { parts[i], parts[j] = parts[j], parts[i] })
			if got := outcome(parts); got != want {
				t.Fatalf("in another order:\n%s\nand before:\n%s", got, want)
			}
		}
	})
}

// distinct reports whether parts are such as core has: each with an offer, of one plugin.
func distinct(parts []Part) bool {
	seen := map[string]bool{}
	for _, p := range parts {
		if p.Offer == nil || seen[p.Plugin] {
			return false
		}
		seen[p.Plugin] = true
	}
	return true
}

// outcome is the plan as text, or all that is wrong, which has no order.
func outcome(parts []Part) string {
	p, err := Merge(parts)
	if err == nil {
		text, err := p.JSON()
		if err != nil {
			return "no JSON: " + err.Error()
		}
		return string(text)
	}
	var said []string
	for _, d := range ns.Diagnose(err) {
		said = append(said, d.Error())
	}
	slices.Sort(said)
	return strings.Join(said, "\n")
}
