// SPDX-License-Identifier: Apache-2.0

package flags

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/nsrun/nsrun/ns"
)

var sets = []Set{
	{Options: []ns.Option{
		{Name: "plugins", Type: ns.String},
		{Name: "env", Short: "e", Type: ns.String, Repeated: true},
		{Name: "debug", Short: "d", Type: ns.Bool},
		{Name: "dry-run", Type: ns.Bool, Enum: []string{"text", "json"}},
	}},
	{Plugin: "mount", Scope: "mount", Options: []ns.Option{
		{Name: "bind", Type: ns.Path, Args: []string{"SRC", "DST"}, Repeated: true},
		{Name: "mode", Type: ns.String},
	}},
	{Plugin: "native", Scope: "net", Options: []ns.Option{
		{Name: "publish", Short: "p", Type: ns.String, Repeated: true},
		{Name: "mode", Type: ns.String},
		{Name: "root", Short: "r", Type: ns.Bool},
	}},
}

func TestParse(t *testing.T) {
	tests := []struct {
		name string
		args string
		want Parsed
	}{
		{"stops at the first word that is no flag", "--plugins pid ps -ef",
			Parsed{map[string][]ns.Setting{"": {{Option: "plugins", Args: []string{"pid"}}}}, []string{"ps", "-ef"}}},
		{"stops at --", "--debug -- --plugins x",
			Parsed{map[string][]ns.Setting{"": {{Option: "debug", Args: []string{"true"}}}}, []string{"--plugins", "x"}}},
		{"keeps the order", "--bind a /b --bind /c d x",
			Parsed{map[string][]ns.Setting{"mount": {{Option: "bind", Args: []string{"a", "/b"}}, {Option: "bind", Args: []string{"/c", "d"}}}}, []string{"x"}}},
		{"takes the scoped form", "--net.mode=fast --mount.mode slow x",
			Parsed{map[string][]ns.Setting{"native": {{Option: "mode", Args: []string{"fast"}}}, "mount": {{Option: "mode", Args: []string{"slow"}}}}, []string{"x"}}},
		{"takes short forms", "-dr -p80:80 -p 81:81 -e A=1 x",
			Parsed{map[string][]ns.Setting{
				"":       {{Option: "debug", Args: []string{"true"}}, {Option: "env", Args: []string{"A=1"}}},
				"native": {{Option: "root", Args: []string{"true"}}, {Option: "publish", Args: []string{"80:80"}}, {Option: "publish", Args: []string{"81:81"}}}}, []string{"x"}}},
		{"gives a bare enum its first value", "--dry-run x",
			Parsed{map[string][]ns.Setting{"": {{Option: "dry-run", Args: []string{"text"}}}}, []string{"x"}}},
		{"lets the last one win where one counts", "--plugins a --plugins b x",
			Parsed{map[string][]ns.Setting{"": {{Option: "plugins", Args: []string{"b"}}}}, []string{"x"}}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := Parse(strings.Fields(test.args), sets)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(test.want, got); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
}

func TestParseReportsAllThatIsWrong(t *testing.T) {
	_, err := Parse([]string{"--pulbish", "--mode=x", "--bind=a", "--plugins"}, sets)
	for _, want := range []string{
		"unknown flag --pulbish",
		"the flag --mode belongs to more than one plugin",
		"--bind=a: the flag takes 2 words",
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("missing %q in: %v", want, err)
		}
	}
	var unknown *Unknown
	if !errors.As(err, &unknown) || unknown.Like != "--publish" {
		t.Errorf("got %+v, want a hint at --publish", unknown)
	}
}

func TestParseNamesTheMissingWord(t *testing.T) {
	_, err := Parse([]string{"--bind", "a"}, sets)
	if err == nil || !strings.Contains(err.Error(), "--bind: DST is missing") {
		t.Errorf("got %v", err)
	}
}
