// SPDX-License-Identifier: Apache-2.0

package main

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/nsrun/nsrun/ns"
)

func TestParseExtent(t *testing.T) {
	got, err := parseExtent("0:4294967294:1")
	if want := (ns.Extent{Inside: 0, Outside: 4294967294, Size: 1}); got != want || err != nil {
		t.Errorf("parseExtent = %v, %v, want %v", got, err, want)
	}
}

// A number that is misread must never come out as 0, the id of root.
func TestParseExtentRefuses(t *testing.T) {
	for _, s := range []string{
		"", ":", "::", "0", "0:1", "0:1:", ":1:1", "0::1", "0:1:1:1", "-1:0:1", "+1:0:1", " 0:0:1", "0:0:1 ", "0:0:1\n", "0x0:0:1", "0o1:0:1",
		"1_0:0:1", "0:0:4294967296", "4294967296:0:1", "0:18446744073709551616:1", "1000000000000:0:1", "root:0:1", "0:0:1e3", "٠:0:1", "0:0:1\x00",
	} {
		if e, err := parseExtent(s); err == nil {
			t.Errorf("parseExtent(%q) = %v, want an error", s, e)
		}
	}
}

func FuzzParseExtent(f *testing.F) {
	f.Add("0:1000:1")
	f.Add("0:0:4294967295")
	f.Fuzz(func(t *testing.T, s string) {
		e, err := parseExtent(s)
		if err != nil {
			return
		}
		if again, err := parseExtent(written(e)); again != e || err != nil {
			t.Errorf("parseExtent(%q) = %v, but written again it is %v, %v", s, e, again, err)
		}
	})
}

func TestParseMap(t *testing.T) {
	got, err := parseMap("         0       1000          1\n         1     100000      65536\n")
	want := []ns.Extent{{Inside: 0, Outside: 1000, Size: 1}, {Inside: 1, Outside: 100000, Size: 65536}}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("parseMap: %v (-want +got):\n%s", err, diff)
	}
	for _, text := range []string{"0 0\n", "0 0 1 1\n", "0 0 x\n"} {
		if got, err := parseMap(text); err == nil {
			t.Errorf("parseMap(%q) = %v, want an error", text, got)
		}
	}
}
