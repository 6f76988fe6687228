// SPDX-License-Identifier: Apache-2.0

package main

import (
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
