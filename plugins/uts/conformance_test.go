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
	nstest.Test(t, &uts{},
		nstest.Case{Name: "names", Settings: []ns.Setting{{Option: "hostname", Args: []string{"box"}}, {Option: "domainname", Args: []string{"lab"}}}},
		nstest.Case{Name: "an empty name", Settings: []ns.Setting{{Option: "hostname", Args: []string{""}}}, Refused: "--hostname"},
	)
}

func TestEveryOptionIsDocumented(t *testing.T) {
	for _, page := range []string{"README.md", "../../docs/plugins.md"} {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range nstest.Start(t, &uts{}).Describe().Options {
			if !strings.Contains(string(text), "`--"+o.Name) {
				t.Errorf("%s says nothing of --%s", page, o.Name)
			}
		}
	}
}
