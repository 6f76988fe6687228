// SPDX-License-Identifier: Apache-2.0

package conform

import (
	"os"
	"strings"
	"syscall"

	"github.com/nsrun/nsrun/ns"
)

// Case is one request to the plugin.
type Case struct {
	// Name says what the case is about. Required.
	Name string
	// Kinds that the run has beside those that the plugin owns.
	Kinds []ns.Kind
	// Settings are the options given.
	Settings []ns.Setting
	// Facts of host and caller. The zero value stands for those of the test.
	Facts ns.Facts
	// Refused, if not empty, is a part of what the plugin must say when it
	// refuses the run: of the summary, the hint or the option with two dashes.
	Refused string
	// MayRefuse says that it is all the same whether the plugin refuses.
	MayRefuse bool
}

// Request returns the request of c to the plugin that d describes.
func (c *Case) Request(d *ns.Descriptor) *ns.Request {
	facts := c.Facts
	if facts == (ns.Facts{}) {
		facts = hostFacts()
	}
	return &ns.Request{
		Plugin:   d.Name,
		Owns:     ns.SortKinds(d.Kinds),
		Kinds:    ns.SortKinds(append(append([]ns.Kind{}, d.Kinds...), c.Kinds...)),
		Settings: c.Settings,
		Facts:    facts,
	}
}

// refusedIn reports whether one of ds refuses the run as c wants.
func (c *Case) refusedIn(ds []ns.Diagnostic) bool {
	for _, d := range ds {
		text := strings.Join([]string{d.Summary, d.Detail, d.Hint, "--" + d.Option}, "\n")
		if d.Severity == ns.Error && strings.Contains(text, c.Refused) {
			return true
		}
	}
	return false
}

// Defaults are the cases of every plugin: alone, and in a run that has every kind.
// A plugin with a required option has none, since only its author knows a value.
func Defaults(d *ns.Descriptor) []Case {
	for _, o := range d.Options {
		if o.Required {
			return nil
		}
	}
	return []Case{{Name: "alone"}, {Name: "with every kind", Kinds: ns.Kinds()}}
}

// hostFacts returns what nsrun would tell of this host and process.
func hostFacts() ns.Facts {
	facts := ns.Facts{UID: os.Geteuid(), GID: os.Getegid(), UserName: os.Getenv("USER")}
	facts.Dir, _ = os.Getwd()
	facts.Hostname, _ = os.Hostname()
	var uts syscall.Utsname
	if syscall.Uname(&uts) == nil {
		for _, c := range uts.Release {
			if c == 0 {
				break
			}
			facts.Kernel += string(rune(c))
		}
	}
	return facts
}
