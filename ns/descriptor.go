// SPDX-License-Identifier: Apache-2.0

package ns

// Descriptor is what a plugin says of itself, whatever the run: SPEC.md,
// "Describe". Making one has no side effect, so nsrun may keep it for as long
// as the plugin's binary is unchanged.
type Descriptor struct {
	// Name is the NAME of nsrun-plugin-NAME. Required.
	Name string `json:"name"`
	// Version is the plugin's own version, shown to the user. Required.
	Version string `json:"version"`
	// Summary says in one line what the plugin does. Required.
	Summary string `json:"summary"`
	// Kinds are the namespaces that the plugin can own. Empty for a plugin that
	// only adds steps or hooks.
	Kinds []Kind `json:"kinds,omitempty"`
	// Options are the flags that the plugin adds to the command line.
	Options []Option `json:"options,omitempty"`
	// Hooks are the points that the plugin may ask for in an offer.
	Hooks []Point `json:"hooks,omitempty"`
	// Features names what the plugin supports, so that nsrun can say who has
	// what another plugin lacks.
	Features []string `json:"features,omitempty"`
	// Requires are features of nsrun without which the plugin can't work.
	// nsrun refuses a plugin that requires one it doesn't know.
	Requires []string `json:"requires,omitempty"`
}

// Owns reports whether the plugin can own k.
func (d *Descriptor) Owns(k Kind) bool {
	for _, have := range d.Kinds {
		if have == k {
			return true
		}
	}
	return false
}

// Option returns the option called name, or nil.
func (d *Descriptor) Option(name string) *Option {
	for i := range d.Options {
		if d.Options[i].Name == name {
			return &d.Options[i]
		}
	}
	return nil
}

// Selector is the entry of --plugins that chooses the plugin.
func (d *Descriptor) Selector() string {
	if len(d.Kinds) == 1 && string(d.Kinds[0]) != d.Name {
		return string(d.Kinds[0]) + "=" + d.Name
	}
	return d.Name
}

// Scope is the prefix under which the plugin's options are always reachable
// (--SCOPE.OPTION): its kind when it fills just one, so that the flags stay the
// same when a backend is swapped, and its name otherwise.
func (d *Descriptor) Scope() string {
	if len(d.Kinds) == 1 {
		return string(d.Kinds[0])
	}
	return d.Name
}
