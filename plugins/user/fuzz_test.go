// SPDX-License-Identifier: Apache-2.0

package main

import (
	"strings"
	"testing"
)

// FuzzSubIDs reads files that others wrote: a range belongs to whom its line names, and
// exists.
func FuzzSubIDs(f *testing.F) {
	f.Add("ann:100000:65536\n1000:300000:10\nbob:1:1\n", "ann", uint32(1000))
	f.Add("ann:4294967295:1\nann:0:4294967295\nann:1:0\n::\nann\nann:1\nann:-1:5\nann:1:5:7\n", "ann", uint32(0))
	f.Add("ann:1:5\r\n ann : 1 : 5\nann:0x10:5\nann:007:5\x00", "ann", uint32(7))
	f.Fuzz(func(t *testing.T, text, name string, uid uint32) {
		for _, r := range parseSubIDs(text, name, uid) {
			if r.Size == 0 || outside(r).last > lastID {
				t.Errorf("the range %v doesn't exist", r)
			}
		}
		if strings.Contains(name, ":") {
			return
		}
		others := strings.ReplaceAll(text, "\n", "\nx")
		if len(parseSubIDs("x"+others, name, uid)) > 0 && !strings.HasPrefix(name, "x") {
			t.Errorf("%q gives %q ranges of somebody else", "x"+others, name)
		}
	})
}
