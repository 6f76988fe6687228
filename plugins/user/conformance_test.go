// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"strings"
	"testing"

	"github.com/nsrun/nsrun/ns"
	"github.com/nsrun/nsrun/nsplugin/nstest"
)

func TestConformance(t *testing.T) {
	nstest.Test(t, &user{},
		nstest.Case{Name: "root alone", Settings: []ns.Setting{{Option: "map-root-user", Args: []string{"true"}}}},
		nstest.Case{Name: "itself alone", Settings: []ns.Setting{{Option: "map-current-user", Args: []string{"true"}}}},
		nstest.Case{Name: "nonsense", Settings: []ns.Setting{{Option: "map-users", Args: []string{"0:x:1"}}}, Refused: "--map-users"},
	)
}

func TestEveryOptionIsDocumented(t *testing.T) {
	for _, page := range []string{"README.md", "../../docs/plugins.md"} {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range nstest.Start(t, &user{}).Describe().Options {
			if !strings.Contains(string(text), "`--"+o.Name) {
				t.Errorf("%s says nothing of --%s", page, o.Name)
			}
		}
	}
}
