// SPDX-License-Identifier: Apache-2.0

package main

import (
	"path/filepath"
	"slices"
	"strings"

	"github.com/nsrun/nsrun/ns"
	"github.com/nsrun/nsrun/nsplugin/nsnet"
)

// rules are what a policy can say, in the order of the README.
var rules = []func(*review){plugins, ownPlugins, options, newPrivs, namespaces, files, network, ports, capabilities, seccomp}

// is reports whether a switch is there and has the value.
func is(b *bool, value bool) bool { return b != nil && *b == value }

func plugins(r *review) {
	allowed := r.doc.Plugins
	for _, m := range r.req.Members {
		if allowed != nil && m.Name != r.req.Request.Plugin && !slices.Contains(allowed, m.Name) {
			r.refuse("plugins", "--plugins with some of "+strings.Join(allowed, ", "), "the plugin %s is not allowed", m.Name)
		}
	}
}

func ownPlugins(r *review) {
	for _, m := range r.req.Members {
		if is(r.doc.OwnPlugins, false) && !m.System {
			r.refuse("own-plugins", "leave out --plugin-dir and paths in --plugins", "the plugin %s is not allowed from %s", m.Name, m.Path)
		}
	}
}

// options forbids options by plugin, as mount.dev-bind, or of any, as publish.
func options(r *review) {
	for i, name := range r.doc.Options.Forbidden {
		for _, m := range r.req.Members {
			for _, s := range m.Settings {
				if name == s.Option || name == m.Name+"."+s.Option {
					r.refuse(entry("options.forbidden", i), "leave it out", "--%s of the plugin %s is not allowed", s.Option, m.Name)
				}
			}
		}
	}
}

func newPrivs(r *review) {
	if is(r.doc.NewPrivs, false) && r.req.NewPrivs {
		r.refuse("new-privs", "leave out --no-new-privs=false", "the command may not gain privilege")
	}
}

func namespaces(r *review) {
	for i, k := range r.doc.Namespaces.Required {
		if !r.plan.Has(k) {
			r.refuse(entry("namespaces.required", i), "add "+string(k)+" to --plugins", "a %s namespace of its own is required", k)
		}
	}
	for _, k := range r.plan.KindList() {
		if allowed := r.doc.Namespaces.Allowed; allowed != nil && !slices.Contains(allowed, k) {
			r.refuse("namespaces.allowed", "--plugins with some of "+ns.JoinKinds(allowed, ","), "a new %s namespace is not allowed", k)
		}
	}
}

// devices are the host's files that a minimal /dev consists of.
var devices = []string{"/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/tty"}

// files looks at what the run takes from the host's file tree.
func files(r *review) {
	if r.doc.Files == nil {
		return
	}
	pivots := slices.ContainsFunc(r.plan.Steps, func(s ns.PlannedStep) bool { return s.Op == ns.OpPivot })
	for _, s := range r.plan.Steps {
		if s.Phase == ns.Inside && pivots {
			continue // it is taken from the new root, which was looked at
		}
		switch s.Op {
		case ns.OpBind, ns.OpRootfs:
			// What is idmapped is the command's as it is on disk, and a command with
			// capabilities in its user namespace takes the ro of the run off.
			r.source(s.Op, s.Source, slices.Contains(s.Attrs, ns.ReadOnly) && !slices.Contains(s.Attrs, ns.IDMapped))
		case ns.OpOverlay:
			r.source(s.Op, s.Source, true)
			if s.Data != "" {
				r.source(s.Op, s.Data, false)
			}
		}
	}
}

// source checks one path of the host, and where it leads by symbolic links.
func (r *review) source(op ns.Op, path string, readOnly bool) {
	if slices.Contains(devices, path) {
		return
	}
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		real = path // the step will fail, or be left out
	}
	r.resolved = true
	key, allowed := "files.write", r.doc.Files.Write
	if readOnly {
		key, allowed = "files.read", slices.Concat(r.doc.Files.Read, r.doc.Files.Write)
	}
	within := func(path string) bool {
		return slices.ContainsFunc(allowed, func(top string) bool {
			return path == top || strings.HasPrefix(path, strings.TrimSuffix(top, "/")+"/")
		})
	}
	if within(path) && within(real) {
		return
	}
	how := "writable"
	if readOnly {
		how = "read-only"
	}
	hint := "nothing may be"
	if len(allowed) > 0 {
		hint = "something below " + strings.Join(allowed, ", ")
	}
	if real != path {
		path += " (" + real + ")"
	}
	r.refuse(key, hint, "%s of %s, %s, is not allowed", op, path, how)
}

// network looks at who fills net, or that nobody does.
func network(r *review) {
	n := &r.doc.Network
	if is(n.Host, false) && !r.plan.Has(ns.Net) && !joins(&r.plan) {
		r.refuse("network.host", "add net to --plugins", "the host's network is not allowed")
	}
	if is(n.Join, false) && joins(&r.plan) {
		r.refuse("network.join", "net=pasta, or another that makes a network", "joining a network is not allowed")
	}
	for _, m := range r.req.Members {
		if !slices.Contains(m.Owns, ns.Net) {
			continue
		}
		if n.Backends != nil && !slices.Contains(n.Backends, m.Name) {
			r.refuse("network.backends", "net="+strings.Join(n.Backends, ", net="), "the network of %s is not allowed", m.Name)
		}
		for _, s := range m.Settings {
			if n.Names != nil && s.Option == "network" && !slices.Contains(n.Names, s.Args[0]) {
				r.refuse("network.names", "--network "+strings.Join(n.Names, " or "), "the network %s is not allowed", s.Args[0])
			}
		}
	}
}

func joins(p *ns.Plan) bool {
	return slices.ContainsFunc(p.Joins, func(j ns.PlannedJoin) bool { return j.Kind == ns.Net })
}

// ports looks at what is published on the host.
func ports(r *review) {
	if r.doc.Network.Ports == nil {
		return
	}
	for _, m := range r.req.Members {
		var o nsnet.PublishOption
		for _, s := range m.Settings {
			if s.Option == "publish" {
				o.Publish = append(o.Publish, s.Args[0])
			}
		}
		mappings, err := o.Ports()
		if err != nil {
			r.errs = append(r.errs, err)
		}
		for _, p := range mappings {
			if !slices.ContainsFunc(r.doc.ports, func(allowed portRange) bool { return allowed.has(p.HostPort) }) {
				r.refuse("network.ports", "a port of "+strings.Join(r.doc.Network.Ports, ", "), "publishing the port %d is not allowed", p.HostPort)
			}
		}
	}
}

// capabilities looks at what the command keeps. Without a step that cuts them down
// it keeps all that the caller, or root in a user namespace, has.
func capabilities(r *review) {
	if r.doc.Process.Capabilities == nil {
		return
	}
	kept := ns.Caps{Keep: ^uint64(0)}
	for _, s := range r.plan.Steps {
		if s.Op == ns.OpCaps {
			kept, _ = ns.ParseCaps(s.Data) // nsrun has read it
		}
	}
	more := ns.Caps{Keep: kept.Keep &^ r.doc.caps}
	switch {
	case more.Keep == 0:
	case kept.Keep == ^uint64(0):
		r.refuse("process.capabilities", "add caps to --plugins", "keeping all capabilities is not allowed")
	default:
		r.refuse("process.capabilities", "leave them out of --cap-add", "the capabilities %s are not allowed", more)
	}
}

func seccomp(r *review) {
	has := slices.ContainsFunc(r.plan.Steps, func(s ns.PlannedStep) bool { return s.Op == ns.OpSeccomp })
	if is(r.doc.Process.Seccomp, true) && !has {
		r.refuse("process.seccomp", "add seccomp to --plugins", "a filter for system calls is required")
	}
}
