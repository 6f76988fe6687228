// SPDX-License-Identifier: Apache-2.0

package bridge

import (
	"errors"

	"github.com/nsrun/nsrun/nsplugin/nsnet"
)

// Options are the options of a backend with bridges of this package, which embeds
// them.
type Options struct {
	nsnet.SubnetOption
	nsnet.PublishOption
	nsnet.AddressOptions
	nsnet.MACOption
	nsnet.MTUOption
	nsnet.NameOptions
	nsnet.BandwidthOption
	nsnet.IsolateOption
}

// Wish returns what the options come to, and the sandbox's names. The error joins all
// that can't be read. The wish is nil if nothing can be said without its subnets;
// otherwise [Wish.Check] says what else is wrong with it.
func (o *Options) Wish() (*Wish, *nsnet.Names, error) {
	w := &Wish{Isolate: o.Isolate}
	errs := make([]error, 6)
	w.Ports, errs[0] = o.Ports()
	w.IPs, errs[1] = o.Addresses()
	w.MAC, errs[2] = o.HardwareAddr()
	w.Limits, errs[3] = o.Limits()
	names, err := o.Names()
	errs[4] = err
	if w.Subnets, errs[5] = o.Subnets(StandardSubnet); errs[5] != nil {
		return nil, nil, errors.Join(errs...)
	}
	w.MTU, errs[5] = o.Bytes(w.Subnets.Speaks(false))
	return w, names, errors.Join(errs...)
}
