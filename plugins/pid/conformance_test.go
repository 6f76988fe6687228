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
	nstest.Test(t, &pid{},
		nstest.Case{Name: "the command as pid 1", Settings: []ns.Setting{{Option: "init", Args: []string{"false"}}}},
	)
}

func TestEveryOptionIsDocumented(t *testing.T) {
	for _, page := range []string{"README.md", "../../docs/plugins.md"} {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range nstest.Start(t, &pid{}).Describe().Options {
			if !strings.Contains(string(text), "`--"+o.Name) {
				t.Errorf("%s says nothing of --%s", page, o.Name)
			}
		}
	}
}
