// SPDX-License-Identifier: Apache-2.0

package nsnet

import (
	"bufio"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"strings"

	"github.com/nsrun/nsrun/ns"
	"github.com/nsrun/nsrun/nsplugin"
)

// Findings are what a backend's CheckRun has found of a run's network, or its Check of
// the host.
type Findings []ns.Diagnostic

// Tell tells, of the host, that a thing is well, or what err says if it isn't: each of
// the errors that are joined in it.
func (f *Findings) Tell(err error, thing string) {
	if err == nil {
		*f = append(*f, *nsplugin.Noticef("%s", thing))
	}
	*f = append(*f, ns.Diagnose(err)...)
}

// Soften makes warnings of errors: what only some runs need doesn't keep the backend
// from working.
func (f Findings) Soften() Findings {
	for i := range f {
		if f[i].Severity == ns.Error {
			f[i].Severity = ns.Warning
		}
	}
	return f
}

// Add tells that a thing, such as "bridge br0", is as PreExec made it, or with err that
// it isn't, and why.
func (f *Findings) Add(thing string, err error) {
	d := nsplugin.Noticef("%s", thing)
	if err != nil {
		d = nsplugin.Errorf("%s: %w", thing, err).WithHint("end the run and start it again: nothing is repaired while it runs")
	}
	*f = append(*f, *d)
}

// CheckInterface tells whether the network namespace of a process has [Interface]. It
// reads proc(5), since an ordinary user's program in Go can't enter the namespace.
func (f *Findings) CheckInterface(pid int) {
	f.Add("interface "+Interface, hasInterface(fmt.Sprintf("/proc/%d/net/dev", pid)))
}

// CheckAddresses tells whether the network namespace of a process has the addresses, or
// any at all if none was asked for.
func (f *Findings) CheckAddresses(pid int, want []netip.Addr) {
	have := AddressesOf(pid)
	if len(want) == 0 {
		f.Add(strings.TrimSpace("addresses of "+Interface+" "+AddressesText(have)), missing(len(have) > 0))
	}
	for _, a := range want {
		f.Add(fmt.Sprintf("address %s of %s", a, Interface), missing(slices.Contains(have, a)))
	}
}

func missing(there bool) error {
	if there {
		return nil
	}
	return errors.New("it is not in the sandbox")
}

// hasInterface looks for [Interface] in a file of the form of /proc/net/dev.
func hasInterface(path string) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	for lines := bufio.NewScanner(file); lines.Scan(); {
		if strings.HasPrefix(strings.TrimSpace(lines.Text()), Interface+":") {
			return nil
		}
	}
	return missing(false)
}
