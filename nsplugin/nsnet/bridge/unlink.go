// SPDX-License-Identifier: Apache-2.0

package bridge

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// removeLinks removes interfaces; they need not exist. It returns when none of them
// exists any more for anybody. The kernel's call takes some ten milliseconds longer,
// until no processor uses what it keeps of them (two rcu_barrier() for a bridge): it
// can't fail by then, nor can the end of this process stop it.
func (k *Kernel) removeLinks(names ...string) error {
	links, err := k.existing(names)
	if len(links) == 0 || err != nil {
		return err
	}
	removed, err := k.startRemoval(links)
	if err == nil {
		err = awaitGone(names, removed)
	}
	if err != nil && !errors.Is(err, unix.ENODEV) {
		return fmt.Errorf("delete interface %s: %w", strings.Join(names, ", "), err)
	}
	return nil
}

// existing returns those of the interfaces that exist.
func (k *Kernel) existing(names []string) (links []netlink.Link, err error) {
	for _, name := range names {
		link, err := k.links.LinkByName(name)
		switch {
		case err == nil:
			links = append(links, link)
		case !isNoLink(err):
			return nil, fmt.Errorf("find interface %s: %w", name, err)
		}
	}
	return links, nil
}

// startRemoval begins to remove links; what comes of it is sent at its end. It has a
// socket of its own, since nobody else could use that meanwhile. The calling thread
// must be in the namespace.
func (k *Kernel) startRemoval(links []netlink.Link) (<-chan error, error) {
	req, err := k.removal(links)
	if err != nil {
		return nil, err
	}
	socket, err := nl.Subscribe(unix.NETLINK_ROUTE)
	if err != nil {
		return nil, err
	}
	req.Sockets = map[int]*nl.SocketHandle{unix.NETLINK_ROUTE: {Socket: socket}}
	removed := make(chan error, 1)
	go func() {
		defer socket.Close()
		_, err := req.Execute(unix.NETLINK_ROUTE, 0)
		removed <- err
	}()
	return removed, nil
}

// removal returns the request RTM_DELLINK of rtnetlink(7) for links. Several are made a
// group of their own, for which the kernel waits for all processors once and not once
// for each. Groups are numbers that anybody may use, and that people choose small, so
// this one is random and large.
func (k *Kernel) removal(links []netlink.Link) (*nl.NetlinkRequest, error) {
	req := nl.NewNetlinkRequest(unix.RTM_DELLINK, unix.NLM_F_ACK)
	msg := nl.NewIfInfomsg(unix.AF_UNSPEC)
	req.AddData(msg)
	if len(links) == 1 {
		msg.Index = int32(links[0].Attrs().Index)
		return req, nil
	}
	group := 1<<30 | rand.Uint32N(1<<30)
	for _, link := range links {
		if err := k.links.LinkSetGroup(link, int(group)); err != nil && !errors.Is(err, unix.ENODEV) {
			return nil, err
		}
	}
	req.AddData(nl.NewRtAttr(unix.IFLA_GROUP, nl.Uint32Attr(group)))
	return req, nil
}

// awaitGone returns when there are no interfaces with these names, or when their
// removal ends. It asks by netdevice(7): rtnetlink answers only when the kernel is done
// with all of a removal.
func awaitGone(names []string, removed <-chan error) error {
	socket, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return <-removed
	}
	defer unix.Close(socket)
	const poll = 200 * time.Microsecond
	for {
		select {
		case err := <-removed:
			return err
		case <-time.After(poll):
		}
		if names = listed(socket, names); len(names) == 0 {
			return nil
		}
	}
}

// listed returns those of names that are the names of interfaces.
func listed(socket int, names []string) (left []string) {
	for _, name := range names {
		req, err := unix.NewIfreq(name)
		if err == nil && unix.IoctlIfreq(socket, unix.SIOCGIFINDEX, req) != nil {
			continue
		}
		left = append(left, name)
	}
	return left
}
