// SPDX-License-Identifier: Apache-2.0

package nsnet

import (
	"errors"

	"github.com/nsrun/nsrun/nsplugin"
)

// AllowHostOption is the option --allow-host, of backends that can reach ports on
// the host's own loopback, and don't unless told to.
type AllowHostOption struct {
	AllowHost []string `option:"allow-host" args:"PORT[/PROTO]" help:"port on the host's loopback that the sandbox may reach"`
}

// Loopback reads the option. The mappings have the port in both HostPort and Port;
// a range becomes one for each port. The error joins a diagnostic for each value
// that is none.
func (o AllowHostOption) Loopback() ([]Mapping, error) {
	var all []Mapping
	var errs []error
	for _, text := range o.AllowHost {
		ports, proto, err := splitProtocol(text)
		var r portRange
		if err == nil {
			r, err = parsePorts(ports)
		}
		if err != nil {
			errs = append(errs, nsplugin.Errorf("allow-host %s: %w", text, err).WithOption("allow-host").
				WithHint("--allow-host PORT[/PROTO], as in 5432 or 53/udp"))
			continue
		}
		all = append(all, expand(Mapping{Protocol: proto}, r, r)...)
	}
	return all, errors.Join(errs...)
}
