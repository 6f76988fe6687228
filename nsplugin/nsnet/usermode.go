// SPDX-License-Identifier: Apache-2.0

package nsnet

import (
	"errors"

	"golang.org/x/sys/unix"

	"github.com/nsrun/nsrun/nsplugin"
)

// TunDevice is what a program makes a tap interface with.
const TunDevice = "/dev/net/tun"

// CheckTun returns an error if this process can't open the device with which
// program, a network in a process of the caller's, makes the sandbox's interface.
func CheckTun(program string) error { return checkTun(program, TunDevice) }

func checkTun(program, device string) error {
	err := unix.Access(device, unix.R_OK|unix.W_OK)
	if err == nil {
		return nil
	}
	d := nsplugin.Errorf("open %s: %w", device, err).WithDetail(program + " makes the sandbox's interface with it")
	if errors.Is(err, unix.ENOENT) {
		return d.WithHint("modprobe tun, as root")
	}
	return d.WithHint("chmod 0666 " + device + ", as root, which is the usual mode")
}

// CheckTCPAndUDP returns an error for each port of another protocol. The ports are
// those of option, and program is what would forward them.
func CheckTCPAndUDP(program, option string, ports []Mapping) error {
	var errs []error
	for _, m := range ports {
		if m.Protocol != "tcp" && m.Protocol != "udp" {
			errs = append(errs, nsplugin.Errorf("%s %s: %s knows tcp and udp only", option, m, program).WithOption(option))
		}
	}
	return errors.Join(errs...)
}
