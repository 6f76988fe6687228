// SPDX-License-Identifier: Apache-2.0

package main

import (
	"testing"

	"github.com/nsrun/nsrun/nsplugin/nstest"
)

func TestConformance(t *testing.T) {
	nstest.Test(t, &ipc{})
}
