// SPDX-License-Identifier: Apache-2.0

package main

import (
	"testing"

	"github.com/nsrun/nsrun/ns"
	"github.com/nsrun/nsrun/nsplugin/nstest"
)

func TestConformance(t *testing.T) {
	nstest.Test(t, &pid{},
		nstest.Case{Name: "the command as pid 1", Settings: []ns.Setting{{Option: "init", Args: []string{"false"}}}},
	)
}
