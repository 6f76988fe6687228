// SPDX-License-Identifier: Apache-2.0

package ns

import (
	"path/filepath"
	"strings"
	"testing"
)

// FuzzValidName makes paths of names: one that is taken leads nowhere but to a plugin.
func FuzzValidName(f *testing.F) {
	for _, s := range []string{"net", "a-1", "-a", "", ".", "..", "a/b", "A", "é", "a\x00", "a\n", strings.Repeat("a", MaxName+1)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if !ValidName(s) {
			return
		}
		path := filepath.Join("/dir", BinaryPrefix+s)
		if filepath.Dir(path) != "/dir" || strings.ContainsAny(s, "/.\x00 \t\n\\|") || strings.HasPrefix(s, "-") || len(s) > MaxName || s != strings.ToLower(s) {
			t.Errorf("%q is taken", s)
		}
	})
}
