// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/elastic/go-seccomp-bpf/arch"
	profile "github.com/moby/profiles/seccomp"
	"github.com/nsrun/nsrun/core"
	"github.com/nsrun/nsrun/core/flags"
	"github.com/nsrun/nsrun/ns"
)

// Syscall says what happens to a system call of the run's command: what its filter
// answers, and whether the command has the capability that the call is there for.
func (r *Run) Syscall(name string) ([]core.Finding, error) {
	calls, err := arch.GetInfo("")
	if err != nil {
		return nil, &ns.Diagnostic{Summary: fmt.Sprintf("explain %s: the calls of this architecture aren't known", name)}
	}
	nr, known := calls.SyscallNames[name]
	if !known {
		return nil, &ns.Diagnostic{Option: "syscall", Summary: fmt.Sprintf("explain: there is no system call %q on %s", name, calls.Name), Hint: meant(name)}
	}
	filtered, err := r.filtered(name, uint32(calls.ID), uint32(nr))
	if err != nil {
		return nil, err
	}
	return append([]core.Finding{filtered}, r.capable(name)...), nil
}

// Syscalls returns the names of all system calls of this architecture, in order.
func Syscalls() []string {
	calls, err := arch.GetInfo("")
	if err != nil {
		return nil
	}
	return slices.Sorted(maps.Keys(calls.SyscallNames))
}

// meant says what name could have been meant.
func meant(name string) string {
	if n := flags.Nearest(name, Syscalls()); n != "" {
		return "--syscall " + n
	}
	return "a name of syscalls(2)"
}

// filtered returns what the run's filter does about a call.
func (r *Run) filtered(name string, id, nr uint32) (core.Finding, error) {
	s := r.find(ns.OpSeccomp)
	if s == nil {
		return failed("call " + name + ": no filter of the run looks at it"), nil
	}
	filter, _, err := ns.ParseFilter(s.Data)
	var outcomes []outcome
	if err == nil {
		outcomes, err = decide(filter, id, nr)
	}
	if err != nil {
		return core.Finding{}, &ns.Diagnostic{Plugin: s.Plugin, Summary: fmt.Sprintf("explain %s: the run's filter can't be read: %v", name, err)}
	}
	last := outcomes[len(outcomes)-1].action
	d := ns.Diagnostic{Plugin: s.Plugin, Hint: "--seccomp-allow " + name, Errno: errnoOf(last)}
	switch {
	case len(outcomes) > 1:
		d.Severity, d.Summary, d.Errno = ns.Warning, "call "+name+": it depends on its arguments", 0
		d.Detail = conditions(outcomes)
	case lets(last):
		d = ns.Diagnostic{Severity: ns.Notice, Plugin: s.Plugin, Summary: "call " + name + ": " + answer(last)}
	default:
		d.Summary, d.Detail = "call "+name+": "+answer(last), "the run's filter answers so, whatever the arguments"
	}
	return core.Finding{Part: "call " + name, OK: len(outcomes) > 1 || lets(last), Diagnostics: []ns.Diagnostic{d}}, nil
}

// capable says whether the command has the capabilities that the call is there for.
func (r *Run) capable(name string) (found []core.Finding) {
	for _, wanted := range capabilitiesOf(name) {
		number, _ := ns.CapabilityNumber(wanted)
		action := fmt.Sprintf("have %s, which %s may ask for", wanted, name)
		bare := strings.ToLower(strings.TrimPrefix(wanted, "CAP_"))
		switch caps := r.find(ns.OpCaps); {
		case r.subject.has(number) && r.subject.initial:
			found = append(found, failed(action))
		case r.subject.has(number):
			found = append(found, core.Finding{Part: action, OK: true, Diagnostics: []ns.Diagnostic{{
				Severity: ns.Warning, Summary: action + ": in its user namespace only",
				Detail: "it counts for what belongs to that namespace, and not for the host; user_namespaces(7)"}}})
		case caps != nil:
			found = append(found, failed(action, refuse(caps.Plugin, 0, "the run's capabilities are cut down to "+cmp.Or(caps.Data, "none"), "--cap-add "+bare)))
		default:
			found = append(found, failed(action, refuse("", 0, "the command isn't root where it runs, and has no capabilities", "")))
		}
	}
	return found
}

// capabilitiesOf returns the capabilities with which docker and podman allow a call that
// they refuse otherwise: those that it is there for. Of a call that they only restrict
// without one, such as clone, it is none.
func capabilitiesOf(name string) (names []string) {
	for _, s := range profile.DefaultProfile().Syscalls {
		switch {
		case !slices.Contains(s.Names, name):
		case s.Excludes != nil && len(s.Excludes.Caps) > 0:
			return nil
		case s.Includes != nil:
			names = append(names, s.Includes.Caps...)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}
