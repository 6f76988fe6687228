// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/nsrun/nsrun/ns"
	"github.com/nsrun/nsrun/nsplugin"
)

// maxName is the kernel's __NEW_UTS_LEN, in bytes; sethostname(2).
const maxName = 64

// uts is the plugin, with its options.
type uts struct {
	Hostname   string `option:"hostname" args:"NAME" help:"hostname that the command sees; the caller's by default"`
	Domainname string `option:"domainname" args:"NAME" help:"NIS domain name that the command sees; the caller's by default"`
}

// names are the options in the order in which they act.
var names = []struct {
	option string
	step   func(name string) ns.Step
}{
	{"hostname", nsplugin.Hostname},
	{"domainname", nsplugin.Domainname},
}

// Describe returns what the plugin says of itself.
func (*uts) Describe() nsplugin.Info {
	return nsplugin.Info{
		Name:    "uts",
		Version: "0.1.0",
		Summary: "a hostname and a domain name of its own",
		Kinds:   []ns.Kind{ns.UTS},
	}
}

// Negotiate offers a step for each name that was given. Without one, the
// kernel's copy of the caller's names stays.
func (*uts) Negotiate(_ context.Context, req *ns.Request) (*ns.Offer, error) {
	offer := &ns.Offer{Kinds: req.Owns, Freshness: &ns.Freshness{}}
	for _, n := range names {
		// The request is asked, not the field: an empty name that was given is an
		// error, not an option left out.
		name, given := req.Get(n.option)
		if !given {
			continue
		}
		if d := checkName(n.option, name); d != nil {
			offer.Diagnostics = append(offer.Diagnostics, *d)
			continue
		}
		offer.Steps = append(offer.Steps, n.step(name))
	}
	return offer, nil
}

// checkName returns what is wrong with a name, or nil. The kernel takes any
// bytes up to its limit; NUL would end the name for every reader of uname(2).
func checkName(option, name string) *ns.Diagnostic {
	switch {
	case name == "":
		return nsplugin.Errorf("--%s: the name is empty", option).WithOption(option).
			WithHint(fmt.Sprintf("--%s NAME, or no --%s to keep the caller's", option, option))
	case len(name) > maxName:
		return nsplugin.Errorf("--%s %s: the name is %d bytes long", option, name, len(name)).WithOption(option).
			WithDetail(fmt.Sprintf("the kernel takes up to %d bytes; sethostname(2)", maxName)).
			WithHint(fmt.Sprintf("--%s %s", option, strings.ToValidUTF8(name[:maxName], "")))
	case strings.ContainsRune(name, 0):
		return nsplugin.Errorf("--%s %q: the name has a NUL byte", option, name).WithOption(option).
			WithHint(fmt.Sprintf("--%s %s", option, strings.ReplaceAll(name, "\x00", "")))
	}
	return nil
}
