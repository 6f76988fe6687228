// SPDX-License-Identifier: Apache-2.0

package bridge

import (
	"errors"
	"fmt"
	"time"

	nft "github.com/google/nftables"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// Kernel is the network of the namespace in which it was opened: by sockets that stay
// there, whichever thread uses them.
type Kernel struct {
	links *netlink.Handle // rtnetlink(7), and connection tracking
	rules *nft.Conn
}

// Open opens the network of the calling thread's namespace. [Kernel.Close] closes it.
func Open() (*Kernel, error) {
	links, err := netlink.NewHandle(unix.NETLINK_ROUTE, unix.NETLINK_NETFILTER)
	if err != nil {
		return nil, fmt.Errorf("open netlink socket: %w", err)
	}
	rules, err := nft.New(nft.AsLasting())
	if err != nil {
		links.Close()
		return nil, fmt.Errorf("open nftables socket: %w", err)
	}
	return &Kernel{links, rules}, nil
}

// Close closes the sockets.
func (k *Kernel) Close() {
	k.links.Close()
	_ = k.rules.CloseLasting() // there is nothing to lose
}

// flush makes the changes that were collected, in one transaction. If the kernel refuses
// them, the library may leave some of its answers unread, which would be taken for those
// to the next question: so that is asked by another socket. The calling thread must be in
// the namespace.
func (k *Kernel) flush() error {
	err := k.rules.Flush()
	if err == nil {
		return nil
	}
	rules, e := nft.New(nft.AsLasting())
	if e != nil {
		return errors.Join(err, fmt.Errorf("open nftables socket: %w", e))
	}
	_ = k.rules.CloseLasting()
	k.rules = rules
	return err
}

// isNoLink reports whether err says that there is no such interface.
func isNoLink(err error) bool {
	var none netlink.LinkNotFoundError
	return errors.As(err, &none)
}

// AwaitUp waits until the interfaces carry packets. The kernel learns in the
// background that the other end of a pair is up, and only then lets a bridge use it:
// the first packets of a command that is quicker are lost, and sent again a second
// later.
func (k *Kernel) AwaitUp(names ...string) error {
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
