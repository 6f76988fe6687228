// SPDX-License-Identifier: Apache-2.0

package nsnet

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"

	"github.com/nsrun/nsrun/nsplugin"
)

// AddressOptions are the options --ip and --ip6.
type AddressOptions struct {
	IP  []string `option:"ip" args:"ADDRESS" help:"address of the sandbox"`
	IP6 []string `option:"ip6" args:"ADDRESS" help:"IPv6 address of the sandbox"`
}

// Address is an address that the user asks for.
type Address struct {
	netip.Addr
	// Bits is the length of the network's prefix, 0 if the user didn't give it.
	Bits int
	// Option is the one that asked: ip or ip6.
	Option string
}

// String returns the address as it was given, with its prefix length if it had one.
func (a Address) String() string {
	if a.Bits == 0 {
		return a.Addr.String()
	}
	return fmt.Sprintf("%s/%d", a.Addr, a.Bits)
}

// Addresses reads the options. --ip takes both families, --ip6 IPv6 only. The error
// joins a diagnostic for each value that is none.
func (o AddressOptions) Addresses() ([]Address, error) {
	var all []Address
	var errs []error
	for _, option := range []struct {
		name  string
		texts []string
	}{{"ip", o.IP}, {"ip6", o.IP6}} {
		for _, text := range option.texts {
			a, err := parseAddress(text)
			a.Option = option.name
			switch {
			case err != nil:
				errs = append(errs, nsplugin.Errorf("%s %s: no IP address", option.name, text).WithOption(option.name))
			case option.name == "ip6" && a.Is4():
				errs = append(errs, nsplugin.Errorf("ip6 %s: an IPv4 address", text).WithOption("ip6").WithHint("--ip "+text))
			default:
				all = append(all, a)
			}
		}
	}
	return all, errors.Join(errs...)
}

// parseAddress reads ADDRESS or ADDRESS/BITS.
func parseAddress(text string) (Address, error) {
	if !strings.Contains(text, "/") {
		a, err := netip.ParseAddr(text)
		if err == nil && a.Zone() != "" {
			err = errors.New("zone")
		}
		return Address{Addr: a.Unmap()}, err
	}
	p, err := netip.ParsePrefix(text)
	if err == nil && p.Bits() == 0 {
		err = errors.New("no network is that large")
	}
	return Address{Addr: p.Addr(), Bits: p.Bits()}, err
}

// MACOption is the option --mac.
type MACOption struct {
	MAC string `option:"mac" args:"ADDRESS" help:"hardware address of the sandbox"`
}

// HardwareAddr reads the option. It returns nil if it wasn't given.
func (o MACOption) HardwareAddr() (net.HardwareAddr, error) {
	if o.MAC == "" {
		return nil, nil
	}
	hw, err := net.ParseMAC(o.MAC)
	// The lowest bit of the first byte marks a group of interfaces.
	if err != nil || len(hw) != 6 || hw[0]&1 == 1 || isZero(hw) {
		return nil, nsplugin.Errorf("mac %s: no hardware address of one interface", o.MAC).
			WithOption("mac").WithHint("six bytes, the first one even: --mac 02:00:5e:10:00:01")
	}
	return hw, nil
}

func isZero(hw net.HardwareAddr) bool {
	for _, b := range hw {
		if b != 0 {
			return false
		}
	}
	return true
}
