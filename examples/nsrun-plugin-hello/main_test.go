// SPDX-License-Identifier: Apache-2.0

package main

import (
	"testing"

	"github.com/nsrun/nsrun/ns"
	"github.com/nsrun/nsrun/nsplugin/nstest"
)

func TestConformance(t *testing.T) { nstest.Test(t, &hello{}) }

func TestGreetingIsInTheEnvironment(t *testing.T) {
	p := nstest.Start(t, &hello{})
	offer := p.Negotiate(&ns.Request{Settings: []ns.Setting{{Option: "greet", Args: []string{"you"}}}})
	if len(offer.Env) != 1 || offer.Env[0] != (ns.EnvVar{Name: "HELLO", Value: "you"}) {
		t.Errorf("environment is %v", offer.Env)
	}
}
