// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"strings"

	"github.com/nsrun/nsrun/ns"
	"github.com/nsrun/nsrun/nsplugin"
)

// caps is the plugin, with its options. They act in the order of the command
// line and are read from the request, which keeps that order; their fields only
// declare them.
type caps struct {
	Add     []string `option:"cap-add" args:"LIST" help:"let the command have these capabilities: names with commas, or all"`
	Drop    []string `option:"cap-drop" args:"LIST" help:"take these capabilities from the command: names with commas, or all"`
	Ambient []string `option:"cap-ambient" args:"LIST" help:"as --cap-add, and let a command that isn't root have them too"`
}

// ofRoot are the capabilities that root's command keeps without an option: those
// that package managers and servers need, and none that reaches beyond the
// namespaces. They are podman's.
const ofRoot = "chown,dac_override,fowner,fsetid,kill,net_bind_service,setfcap,setgid,setpcap,setuid,sys_chroot"

// Describe returns what the plugin says of itself.
func (*caps) Describe() nsplugin.Info {
	return nsplugin.Info{
		Name:    "caps",
		Version: "0.1.0",
		Summary: "fewer capabilities: none for an ordinary user, eleven for root, or those asked for",
	}
}

// Negotiate offers the step that leaves the command what the options say.
func (c *caps) Negotiate(_ context.Context, req *ns.Request) (*ns.Offer, error) {
	var keep ns.Caps
	if req.Facts.Root() {
		keep, _ = ns.ParseCaps(ofRoot)
	}
	var problems []error
	for _, s := range req.Settings {
		set, err := parse(s.Option, s.Args[0])
		problems = append(problems, err)
		keep = apply(keep, s.Option, set)
	}
	if err := errors.Join(problems...); err != nil {
		return nil, err
	}
	return &ns.Offer{Steps: []ns.Step{nsplugin.Caps(keep)}, Freshness: &ns.Freshness{}}, nil
}

// apply returns keep after one option.
func apply(keep ns.Caps, option string, set uint64) ns.Caps {
	switch option {
	case "cap-drop":
		keep.Keep &^= set
		keep.Ambient &^= set
	case "cap-ambient":
		keep.Ambient |= set
		keep.Keep |= set
	default:
		keep.Keep |= set
	}
	return keep
}

// parse reads a list of capabilities: names in either case, with or without
// CAP_, or "all".
func parse(option, list string) (set uint64, err error) {
	for name := range strings.SplitSeq(list, ",") {
		name = strings.TrimSpace(name)
		if strings.EqualFold(name, "all") {
			set |= 1<<len(ns.Capabilities()) - 1
			continue
		}
		n, ok := ns.CapabilityNumber(name)
		if !ok {
			return 0, nsplugin.Errorf("--%s %s: there is no capability %q", option, list, name).
				WithOption(option).WithHint("all, or names such as net_bind_service; capabilities(7) has all: " + strings.Join(ns.Capabilities(), ","))
		}
		set |= 1 << n
	}
	return set, nil
}
