// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"

	nft "github.com/google/nftables"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// kernel is the host's network, by sockets that stay in the network namespace in
// which they were opened, whichever thread uses them.
type kernel struct {
	links *netlink.Handle // rtnetlink(7), and connection tracking
	rules *nft.Conn
}

// openKernel opens the sockets; close closes them.
func openKernel() (*kernel, error) {
	links, err := netlink.NewHandle(unix.NETLINK_ROUTE, unix.NETLINK_NETFILTER)
	if err != nil {
		return nil, fmt.Errorf("open netlink socket: %w", err)
	}
	rules, err := nft.New(nft.AsLasting())
	if err != nil {
		links.Close()
		return nil, fmt.Errorf("open nftables socket: %w", err)
	}
	return &kernel{links, rules}, nil
}

func (k *kernel) close() {
	k.links.Close()
	_ = k.rules.CloseLasting() // there is nothing to lose
}

// removeLink removes an interface; it need not exist.
func (k *kernel) removeLink(name string) error {
	link, err := k.links.LinkByName(name)
	if isNoLink(err) {
		return nil
	}
	if err == nil {
		err = k.links.LinkDel(link)
	}
	if err != nil && !errors.Is(err, unix.ENODEV) {
		return fmt.Errorf("delete interface %s: %w", name, err)
	}
	return nil
}

// isNoLink reports whether err says that there is no such interface.
func isNoLink(err error) bool {
	var none netlink.LinkNotFoundError
	return errors.As(err, &none)
}
