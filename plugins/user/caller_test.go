// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestAnOfferDependsOnSubordinateIDsWhereTheyChangeIt(t *testing.T) {
	for _, u := range []user{
		{}, {MapRoot: true}, {MapCurrent: true}, {MapAuto: true}, {MapAuto: true, MapCurrent: true},
		{MapUsers: []string{"0:100000:10"}}, {MapRoot: true, MapUsers: []string{"1:100000:10"}}, {MapCurrent: true, MapGroups: []string{"1:200000:10"}},
	} {
		with, _ := u.decide(ordinary())
		none, _ := u.decide(without(ordinary(), noHelpers, noSubgids, func(c *caller) { c.users.sub = nil }))
		change := !cmp.Equal(with, none)
		if depends := slices.Contains(u.dependencies(), "/etc/subuid"); depends != change {
			t.Errorf("%s: subordinate ids change the map: %v; the offer depends on them: %v", fmt.Sprintf("%+v", u), change, depends)
		}
	}
}
