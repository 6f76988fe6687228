// SPDX-License-Identifier: Apache-2.0

package ns_test

import (
	"errors"
	"fmt"

	"github.com/nsrun/nsrun/ns"
)

// What is wrong with an offer is said at once, one diagnostic each.
func ExampleCheckOffer() {
	plugin := &ns.Descriptor{Name: "mine", Kinds: []ns.Kind{ns.UTS}}
	req := &ns.Request{Kinds: []ns.Kind{ns.UTS}, Owns: []ns.Kind{ns.UTS}}
	offer := &ns.Offer{
		Kinds: []ns.Kind{ns.UTS},
		Steps: []ns.Step{{Op: ns.OpHostname, Data: "box"}, {Op: "shell", Data: "true"}},
		Env:   []ns.EnvVar{{Name: "LD_PRELOAD", Value: "mine.so"}},
	}
	for _, d := range ns.CheckOffer(plugin, req, offer) {
		fmt.Println(d.Summary)
	}
	// Output:
	// read offer: step 2: unknown op "shell"
	// read offer: variable "LD_PRELOAD": a plugin can't set it
}

// What users typed is checked against what a plugin says of its options.
func ExampleCheckSettings() {
	plugin := &ns.Descriptor{Name: "mine", Options: []ns.Option{
		{Name: "size", Type: ns.Int, Help: "how large", Required: true},
		{Name: "mode", Type: ns.String, Help: "how", Enum: []string{"fast", "safe"}},
	}}
	for _, d := range ns.CheckSettings(plugin, []ns.Setting{{Option: "mode", Args: []string{"slow"}}}) {
		fmt.Println(d.Error())
	}
	// Output:
	// read --mode: "slow" is not one of fast, safe
	// read --size: option is required
}

// Any error can be shown as diagnostics: those that it joins or wraps, with their hints.
func ExampleDiagnose() {
	err := errors.Join(
		&ns.Diagnostic{Summary: "limit processes to 0: the command itself is one", Hint: "--max-procs 1, or more"},
		errors.New("read limits: permission denied"),
	)
	for _, d := range ns.Diagnose(err) {
		fmt.Println(d.Summary, "|", d.Hint)
	}
	// Output:
	// limit processes to 0: the command itself is one | --max-procs 1, or more
	// read limits: permission denied |
}
