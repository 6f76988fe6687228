// SPDX-License-Identifier: Apache-2.0

package footprint

import "testing"

func TestRestGivesBackCode(t *testing.T) {
	code, variables := segments()
	if code == 0 {
		t.Skip("nothing is done on this architecture")
	}
	start, end := code&^(pageSize-1), variables&^(pageSize-1)
	before := mapped(t, start, end)
	Rest()
	if after := mapped(t, start, end); before < 50 || after > before*3/4 { // what runs here is mapped again, 16 pages at a time
		t.Errorf("%d of %d pages of code are still mapped", after, before)
	}
}
