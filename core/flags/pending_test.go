// SPDX-License-Identifier: Apache-2.0

package flags

import (
	"strings"
	"testing"
)

func TestAwait(t *testing.T) {
	for line, want := range map[string]struct {
		option  string
		have    int
		command int
	}{
		"":                    {"", 0, -1},
		"--debug":             {"", 0, -1},
		"--plugins":           {"plugins", 0, -1},
		"--plugins a":         {"", 0, -1},
		"--plugins=a":         {"", 0, -1},
		"--bind":              {"bind", 0, -1},
		"--bind a":            {"bind", 1, -1},
		"--mount.bind a":      {"bind", 1, -1},
		"--bind a b":          {"", 0, -1},
		"-e":                  {"env", 0, -1},
		"-d -p80:80 -e A=1":   {"", 0, -1},
		"--mode":              {"", 0, -1}, // of two plugins
		"--unknown":           {"", 0, -1},
		"--debug ls":          {"", 0, 1},
		"--plugins a ls -l":   {"", 0, 2},
		"--plugins a -- --ls": {"", 0, 3},
	} {
		got := Await(strings.Fields(line), sets)
		name := ""
		if got.Option != nil {
			name = got.Option.Name
		}
		if name != want.option || len(got.Have) != want.have || got.Command != want.command {
			t.Errorf("%q: %s %q %d, want %+v", line, name, got.Have, got.Command, want)
		}
	}
}
