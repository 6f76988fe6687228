// SPDX-License-Identifier: Apache-2.0

package bridge

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// The values of route_localnet of interfaces that others have made; ip-sysctl(5). The
// kernel takes all but 0 for yes, and others write 1, as CNI's portmap does for ports on
// 127.0.0.1. So it can be seen who has opened the interface, and what others have said
// since then stays.
const (
	shut       = "0"
	openedByUs = "2"
)

// routeLocalnet is the parameter by which an interface carries packets from and to
// 127.0.0.0/8.
func routeLocalnet(device, value string) sysctl {
	return sysctl{"ipv4/conf/" + device + "/route_localnet", value}
}

// openLocalnet lets the interface carry packets to the host's loopback.
func openLocalnet(device string) error { return routeLocalnet(device, openedByUs).setFrom(shut) }

// closeLocalnet takes back what openLocalnet did, or with all also what others did. The
// interface need not be there.
func closeLocalnet(device string, all bool) error {
	s := routeLocalnet(device, shut)
	err := s.setFrom(openedByUs)
	if all && err == nil {
		err = set(s)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// checkLocalnet returns an error if the interface isn't open.
func checkLocalnet(device string) error {
	s := routeLocalnet(device, openedByUs)
	switch have, err := s.get(); {
	case err != nil:
		return err
	case have == shut:
		return fmt.Errorf("sysctl %s is %s", s.name(), have)
	}
	return nil
}

// deviceOf returns the interface by which the host sends to the sandbox's end of a way. It
// returns an error if the other end isn't an address of this host.
func (k *Kernel) deviceOf(y Way) (string, error) {
	routes, err := k.links.RouteGet(y.Host.AsSlice())
	if err != nil || !slices.ContainsFunc(routes, func(r netlink.Route) bool { return r.Type == unix.RTN_LOCAL }) {
		return "", fmt.Errorf("the network's gateway %s is no address of this host", y.Host)
	}
	routes, err = k.links.RouteGet(y.From.AsSlice())
	if err != nil || len(routes) == 0 {
		return "", fmt.Errorf("this host has no route to the sandbox's address %s", y.From)
	}
	link, err := k.links.LinkByIndex(routes[0].LinkIndex)
	if err != nil {
		return "", fmt.Errorf("find the interface that leads to %s: %w", y.From, err)
	}
	return link.Attrs().Name, nil
}
