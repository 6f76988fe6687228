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
	nstest.Test(t, &mount{},
		nstest.Case{Name: "in order", Settings: []ns.Setting{{Option: "tmpfs", Args: []string{"/mnt"}}, {Option: "ro-bind", Args: []string{"/etc", "/mnt/etc"}}, {Option: "dir", Args: []string{"/mnt/d"}}, {Option: "symlink", Args: []string{"d", "/mnt/l"}}}},
		nstest.Case{Name: "a new /dev", Settings: []ns.Setting{{Option: "dev", Args: []string{"/dev"}}}},
		nstest.Case{Name: "a root directory", Settings: []ns.Setting{{Option: "rootfs", Args: []string{"/usr"}}, {Option: "dev", Args: []string{"none"}}}},
		nstest.Case{Name: "a source that is not there", Settings: []ns.Setting{{Option: "bind", Args: []string{"/nope", "/mnt"}}}, Refused: "--bind-try"},
	)
}

func TestEveryOptionIsDocumented(t *testing.T) {
	for _, page := range []string{"README.md", "../../docs/plugins.md"} {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range nstest.Start(t, &mount{}).Describe().Options {
			if !strings.Contains(string(text), "`--"+o.Name) {
				t.Errorf("%s says nothing of --%s", page, o.Name)
			}
		}
	}
}
