// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"time"

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

// isNoLink reports whether err says that there is no such interface.
func isNoLink(err error) bool {
	var none netlink.LinkNotFoundError
	return errors.As(err, &none)
}

// awaitUp waits until the interfaces carry packets. The kernel learns in the
// background that the other end of a pair is up, and only then lets a bridge use it:
// the first packets of a command that is quicker are lost, and sent again a second
// later.
func (k *kernel) awaitUp(names ...string) error {
	const poll, patience = time.Millisecond, 5 * time.Second
	for end := time.Now().Add(patience); len(names) > 0; time.Sleep(poll) {
		link, err := k.links.LinkByName(names[0])
		switch {
		case err != nil:
			return fmt.Errorf("find interface %s: %w", names[0], err)
		case link.Attrs().OperState == netlink.OperUp:
			names = names[1:]
		case time.Now().After(end):
			return fmt.Errorf("set interface %s up: it is %s after %v", names[0], link.Attrs().OperState, patience)
		}
	}
	return nil
}
