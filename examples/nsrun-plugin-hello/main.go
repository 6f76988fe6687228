// SPDX-License-Identifier: Apache-2.0

// Nsrun-plugin-hello greets the command by its environment.
package main

import (
	"context"

	"github.com/nsrun/nsrun/ns"
	"github.com/nsrun/nsrun/nsplugin"
)

type hello struct {
	Name string `option:"greet" help:"whom to greet" default:"world"`
}

func (*hello) Describe() nsplugin.Info {
	return nsplugin.Info{Name: "hello", Version: "1.0.0", Summary: "greets the command by its environment"}
}

func (h *hello) Negotiate(_ context.Context, _ *ns.Request) (*ns.Offer, error) {
	return &ns.Offer{Env: []ns.EnvVar{{Name: "HELLO", Value: h.Name}}}, nil
}

func main() { nsplugin.Main(&hello{}) }
