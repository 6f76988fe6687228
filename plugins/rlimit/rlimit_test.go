// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/nsrun/nsrun/ns"
	"github.com/nsrun/nsrun/nsplugin/nstest"
)

func TestOffer(t *testing.T) {
	for given, want := range map[string][]string{
		"":                              nil,
		"nofile=64":                     {"nofile 64:64"},
		"nofile=64:128 core=0":          {"core 0:0", "nofile 64:128"},
		"as=2g cpu=-1":                  {"cpu unlimited:unlimited", "as 2147483648:2147483648"},
		"stack=8M:unlimited":            {"stack 8388608:unlimited"},
		"core=unlimited core=0 nice=20": {"core 0:0", "nice 20:20"},
	} {
		t.Run(given, func(t *testing.T) {
			offer, err := (&rlimit{Limits: strings.Fields(given)}).Negotiate(t.Context(), nil)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, s := range offer.Steps {
				got = append(got, s.Target+" "+s.Data)
			}
			if d := cmp.Diff(want, got); d != "" {
				t.Errorf("steps (-want +got):\n%s", d)
			}
		})
	}
}

func TestRefuses(t *testing.T) {
	given := map[string]string{
		"moon=1": "no such limit", "nofile": "no such limit", "nofile=": `"" is not a limit`, "nofile=+1": `"+1" is not a limit`,
		"nofile=-2": `"-2" is not a limit`, "as=1kk": `"1kk" is not a limit`, "as=99999999999g": "too large",
		"as=2:1": "above the hard limit", "as=1:x": `"x" is not a limit`,
	}
	for limit, want := range given {
		t.Run(limit, func(t *testing.T) {
			_, err := (&rlimit{Limits: []string{limit}}).Negotiate(t.Context(), nil)
			if err == nil || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "--ulimit "+limit) {
				t.Errorf("got %v, want %s", err, want)
			}
		})
	}
	_, err := (&rlimit{Limits: []string{"moon=1", "as=x"}}).Negotiate(t.Context(), nil)
	if ds := ns.Diagnose(err); len(ds) != 2 {
		t.Errorf("got %v, want both problems", ds)
	}
}

func TestConformance(t *testing.T) {
	setting := func(v string) []ns.Setting { return []ns.Setting{{Option: "ulimit", Args: []string{v}}} }
	nstest.Test(t, &rlimit{},
		nstest.Case{Name: "a limit", Settings: setting("nofile=64")},
		nstest.Case{Name: "no limit", Settings: setting("moon=1"), Refused: "--ulimit moon=1"},
	)
}

func TestEveryOptionIsDocumented(t *testing.T) {
	for _, page := range []string{"README.md", "../../docs/plugins.md"} {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(text), "`--ulimit") {
			t.Errorf("%s says nothing of --ulimit", page)
		}
	}
}
