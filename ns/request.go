// SPDX-License-Identifier: Apache-2.0

package ns

import "slices"

// Request asks a plugin what it wants for one run: SPEC.md, "Negotiate". It
// holds nothing that differs between two runs of the same command line on the
// same host, so that equal requests may be answered from a cache.
type Request struct {
	// Plugin is the name under which the plugin was chosen.
	Plugin string `json:"plugin"`
	// Owns are the kinds that the plugin owns in this run.
	Owns []Kind `json:"owns,omitempty"`
	// Kinds are all kinds of the run, in rank order.
	Kinds []Kind `json:"kinds"`
	// Settings are the plugin's own options, in the order of the command line.
	Settings []Setting `json:"settings,omitempty"`
	// Facts is what nsrun knows of the host and the caller.
	Facts Facts `json:"facts"`
}

// Has reports whether the run has a namespace of kind k of its own.
func (r *Request) Has(k Kind) bool { return slices.Contains(r.Kinds, k) }

// Get returns the last value given for a one-argument option, and whether there was one.
func (r *Request) Get(option string) (string, bool) { return last(r.Settings, option) }

func last(settings []Setting, option string) (string, bool) {
	for _, s := range slices.Backward(settings) {
		if s.Option == option && len(s.Args) > 0 {
			return s.Args[0], true
		}
	}
	return "", false
}

// Facts is what nsrun tells plugins of the host and of the caller.
type Facts struct {
	// UID and GID are the caller's effective ids; credentials(7).
	UID int `json:"uid"`
	GID int `json:"gid"`
	// UserName is the caller's name in the password database, or "" if it has none.
	UserName string `json:"userName,omitempty"`
	// Dir is the caller's working directory, absolute.
	Dir string `json:"dir"`
	// Kernel is the kernel release, as uname(2) has it.
	Kernel string `json:"kernel"`
	// Hostname is the caller's hostname.
	Hostname string `json:"hostname"`
}

// Root reports whether the caller is the superuser of its user namespace.
func (f Facts) Root() bool { return f.UID == 0 }
