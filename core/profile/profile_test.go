// SPDX-License-Identifier: Apache-2.0

package profile

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/nsrun/nsrun/ns"
)

func write(t *testing.T, dir, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestRead(t *testing.T) {
	first, second := t.TempDir(), t.TempDir()
	write(t, first, "web", "# a comment\n\n--plugins=net,mount\n  --bind /srv/a /srv/b\n--env=NAME=two words\n-e X\n")
	write(t, second, "web", "--plugins=uts\n")
	write(t, second, "other", "--ro-root")
	dirs := []string{first, second}
	for name, want := range map[string][]string{
		"web":           {"--plugins=net,mount", "--bind", "/srv/a", "/srv/b", "--env=NAME=two words", "-e", "X"},
		"other":         {"--ro-root"},
		second + "/web": {"--plugins=uts"},
	} {
		p, err := Read(name, dirs)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(want, p.Args()); d != "" || p.Path == "" {
			t.Errorf("%s in %s (-want +got):\n%s", name, p.Path, d)
		}
	}
	if got := strings.Join(Names(dirs), " "); got != "other sandbox web" {
		t.Errorf("names: %s", got)
	}
}

func TestReadRefuses(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "words", "--ro-root\nmake test\n")
	write(t, dir, "dashes", "--\n")
	write(t, dir, "nested", "--profile=sandbox\n")
	write(t, dir, "loud", "--debug\n")
	for name, want := range map[string]string{
		"words": "words:2: not a flag", "dashes": "dashes:1: not a flag", "nested": "nested:1: --profile can't stand in a profile",
		"loud": "--debug can't stand in a profile", "missing": "--profile missing: there is no such profile", "Big": "there is no such profile",
		dir + "/missing": "there is no such profile", "..": "there is no such profile", dir + "/": "is a directory",
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Read(name, []string{dir})
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Fatalf("got %v, want %s", err, want)
			}
			if d := ns.Diagnose(err)[0]; d.Hint == "" || d.Option != "profile" {
				t.Errorf("got %+v", d)
			}
		})
	}
	_, err := Read("missing", []string{dir})
	if hint := ns.Diagnose(err)[0].Hint; !strings.Contains(hint, "sandbox") || !strings.Contains(hint, "words") {
		t.Errorf("the hint has not the list: %s", hint)
	}
}

func TestWhatShipsCanBeRead(t *testing.T) {
	for name := range shipped {
		p, err := Read(name, nil)
		if err != nil || len(p.Args()) == 0 || p.Path != "" {
			t.Errorf("%s: %+v, %v", name, p, err)
		}
	}
}

func TestRootReadsNobodysHome(t *testing.T) {
	if dirs := Dirs(true, "/home/ann"); len(dirs) != 1 {
		t.Errorf("got %q", dirs)
	}
	if dirs := Dirs(false, "/home/ann"); dirs[1] != "/home/ann/.config/nsrun/profiles" {
		t.Errorf("got %q", dirs)
	}
}
