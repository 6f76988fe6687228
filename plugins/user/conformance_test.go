// SPDX-License-Identifier: Apache-2.0

package main

import (
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
