// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/nsrun/nsrun/ns"
	"github.com/nsrun/nsrun/nsplugin"
)

// rlimit is the plugin, with its options.
type rlimit struct {
	Limits []string `option:"ulimit" args:"NAME=SOFT[:HARD]" help:"limit a resource of the command: nofile=1024:4096, core=0, as=2g, cpu=unlimited"`
}

// Describe returns what the plugin says of itself.
func (*rlimit) Describe() nsplugin.Info {
	return nsplugin.Info{Name: "rlimit", Version: "0.1.0", Summary: "limits for open files, memory, processes and the like"}
}

// Negotiate offers a step for each limit; one that is given again replaces the
// earlier.
func (r *rlimit) Negotiate(context.Context, *ns.Request) (*ns.Offer, error) {
	limits := map[string]ns.Step{}
	var problems []error
	for _, given := range r.Limits {
		step, err := parse(given)
		problems = append(problems, err)
		limits[step.Target] = step
	}
	if err := errors.Join(problems...); err != nil {
		return nil, err
	}
	offer := &ns.Offer{Freshness: &ns.Freshness{}}
	for _, name := range ns.Rlimits() {
		if step, ok := limits[name]; ok {
			offer.Steps = append(offer.Steps, step)
		}
	}
	return offer, nil
}

// parse reads NAME=SOFT[:HARD].
func parse(given string) (ns.Step, error) {
	name, value, ok := strings.Cut(given, "=")
	if _, known := ns.RlimitNumber(name); !known || !ok {
		return ns.Step{}, problem(given, fmt.Errorf("no such limit")).WithHint("NAME=SOFT[:HARD], with NAME one of " + strings.Join(ns.Rlimits(), ", "))
	}
	left, right, both := strings.Cut(value, ":")
	if !both {
		right = left
	}
	soft, err := parseValue(left)
	if err != nil {
		return ns.Step{}, problem(given, err)
	}
	hard, err := parseValue(right)
	switch {
	case err != nil:
		return ns.Step{}, problem(given, err)
	case soft > hard:
		return ns.Step{}, problem(given, errors.New("the soft limit is above the hard limit"))
	}
	return nsplugin.Rlimit(name, soft, hard), nil
}

func problem(given string, err error) *ns.Diagnostic {
	return nsplugin.Errorf("--ulimit %s: %w", given, err).WithOption("ulimit").
		WithHint("numbers, or with k, m, g for 1024 and its powers, or unlimited")
}

// parseValue reads a number in the kernel's unit, with k, m or g behind it for
// 1024 and its powers, or "unlimited", or -1 for the same, as in bash and podman.
func parseValue(s string) (uint64, error) {
	if s == "unlimited" || s == "-1" {
		return ns.RlimitInfinity, nil
	}
	digits := strings.TrimRight(s, "kmgKMG")
	n, err := strconv.ParseUint(digits, 10, 64)
	if err != nil || len(s)-len(digits) > 1 || strings.HasPrefix(s, "+") {
		return 0, fmt.Errorf("%q is not a limit", s)
	}
	shift := map[string]uint{"": 0, "k": 10, "m": 20, "g": 30}[strings.ToLower(s[len(digits):])]
	if n>>(64-shift) != 0 {
		return 0, fmt.Errorf("%q is too large", s)
	}
	return n << shift, nil
}
