// SPDX-License-Identifier: Apache-2.0

package bridge

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// removeLinks removes interfaces; they need not exist. Several are removed as a group,
// for which the kernel waits for all processors once and not once for each.
func (k *Kernel) removeLinks(names ...string) error {
	var links []netlink.Link
	for _, name := range names {
		link, err := k.links.LinkByName(name)
		switch {
		case err == nil:
			links = append(links, link)
		case !isNoLink(err):
			return fmt.Errorf("find interface %s: %w", name, err)
		}
	}
	var err error
	switch len(links) {
	case 0:
		return nil
	case 1:
		err = k.links.LinkDel(links[0])
	default:
		err = k.removeGroup(links)
	}
	if err != nil && !errors.Is(err, unix.ENODEV) {
		return fmt.Errorf("delete interface %s: %w", strings.Join(names, ", "), err)
	}
	return nil
}

// removeGroup makes links a group of their own and removes it. Groups are numbers
// that anybody may use, and that people choose small, so this one is random and large.
func (k *Kernel) removeGroup(links []netlink.Link) error {
	group := 1<<30 | rand.Uint32N(1<<30)
	for _, link := range links {
		if err := k.links.LinkSetGroup(link, int(group)); err != nil && !errors.Is(err, unix.ENODEV) {
			return err
		}
	}
	// The library has no call for this: RTM_DELLINK of rtnetlink(7), with IFLA_GROUP
	// in place of an interface.
	req := nl.NewNetlinkRequest(unix.RTM_DELLINK, unix.NLM_F_ACK)
	req.AddData(nl.NewIfInfomsg(unix.AF_UNSPEC))
	req.AddData(nl.NewRtAttr(unix.IFLA_GROUP, nl.Uint32Attr(group)))
	_, err := req.Execute(unix.NETLINK_ROUTE, 0)
	return err
}
