// SPDX-License-Identifier: Apache-2.0

package find

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestEveryRuleNamesItsTests looks up the tests that docs/trust.md names.
func TestEveryRuleNamesItsTests(t *testing.T) {
	text, err := os.ReadFile("../../docs/trust.md")
	if err != nil {
		t.Fatal(err)
	}
	there := testNames(t)
	rules := 0
	for line := range strings.Lines(string(text)) {
		cells := strings.Split(line, "|")
		if len(cells) != 4 || strings.HasPrefix(cells[1], "-") || cells[1] == " rule " {
			continue
		}
		rules++
		names := regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(cells[2], -1)
		if len(names) == 0 {
			t.Errorf("no test holds: %s", cells[1])
		}
		for _, name := range names {
			if !there[name[1]] {
				t.Errorf("%s is no test; it was to hold: %s", name[1], cells[1])
			}
		}
	}
	if rules == 0 {
		t.Error("docs/trust.md has no rules")
	}
}

// testNames returns the tests of the packages in question, and the scripts.
func testNames(t *testing.T) map[string]bool {
	t.Helper()
	function := regexp.MustCompile(`(?m)^func (Test\w+)\(`)
	names := map[string]bool{}
	for _, dir := range []string{".", "../host", "../../internal/install", "../../e2e"} {
		err := filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
			if script, ok := strings.CutSuffix(filepath.Base(path), ".txtar"); ok {
				names[script] = true
			}
			if err != nil || !strings.HasSuffix(path, "_test.go") {
				return err
			}
			text, err := os.ReadFile(path)
			for _, match := range function.FindAllSubmatch(text, -1) {
				names[string(match[1])] = true
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return names
}
