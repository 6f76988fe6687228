// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"path"

	"github.com/nsrun/nsrun/ns"
)

// owners says which plugin owns what: each thing has one owner.
type owners map[string]string

// claim makes plugin the owner of thing, or returns an error that names both
// claimants. A plugin may claim the same thing twice.
func (o owners) claim(thing, plugin string) *ns.Diagnostic {
	owner, taken := o[thing]
	if taken && owner != plugin {
		return &ns.Diagnostic{
			Summary: "plugins " + owner + " and " + plugin + " both want to set " + thing,
			Hint:    "leave one of them out of --plugins, or leave out the option that sets it",
		}
	}
	o[thing] = plugin
	return nil
}

// ownersOf returns who owns what in a plan that was merged before.
func ownersOf(p *ns.Plan) owners {
	o := owners{}
	for _, s := range p.Steps {
		for _, thing := range claimsOf(s.Step) {
			o[thing] = s.Plugin
		}
	}
	for _, e := range p.Env {
		o["the environment variable "+e.Name] = e.Plugin
	}
	return o
}

// claimsOf returns what a step makes its plugin the owner of.
func claimsOf(s ns.Step) []string {
	switch s.Op {
	case ns.OpHostname:
		return []string{"the hostname"}
	case ns.OpDomainname:
		return []string{"the domain name"}
	case ns.OpInit:
		return []string{"the init process"}
	case ns.OpRootfs, ns.OpPivot:
		return []string{"the root directory"}
	case ns.OpSysctl:
		return []string{"the sysctl " + s.Target}
	case ns.OpLinkUp:
		return []string{"the interface " + s.Target}
	case ns.OpTimeOffset:
		return []string{"the clock " + s.Target}
	case ns.OpRlimit:
		return []string{"the resource limit " + s.Target}
	case ns.OpCaps:
		return []string{"the capabilities"}
	case ns.OpLandlock, ns.OpLandlockPath, ns.OpLandlockPort:
		return []string{"the landlock ruleset"}
	case ns.OpSeccomp:
		return []string{"the seccomp filter"}
	case ns.OpBind, ns.OpMount, ns.OpOverlay, ns.OpMask, ns.OpFile, ns.OpSymlink:
		return []string{"the path " + path.Clean(s.Target)}
	}
	return nil
}
