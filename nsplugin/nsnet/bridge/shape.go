// SPDX-License-Identifier: Apache-2.0

package bridge

import (
	"fmt"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/nsrun/nsrun/nsplugin/nsnet"
)

// shaper is the name of the interface through which a run's packets go if what it
// sends is limited.
func shaper(runID string) string { return linkName("nsri", runID) }

// limit limits what the sandbox behind link receives and sends. Both are done on the
// host, where the sandbox can't undo them.
func (k *Kernel) limit(link netlink.Link, runID string, b nsnet.Bandwidth) error {
	if b.In > 0 {
		// What the sandbox receives is what the host's end sends.
		if err := k.addBucket(link, b.In); err != nil {
			return err
		}
	}
	if b.Out > 0 {
		return k.limitSent(link, runID, b.Out)
	}
	return nil
}

// limitSent redirects what comes in by link to an interface that sends it on at the
// given rate: only what is sent can be queued.
func (k *Kernel) limitSent(link netlink.Link, runID string, rate uint64) error {
	attrs := netlink.NewLinkAttrs()
	attrs.Name = shaper(runID)
	if err := k.links.LinkAdd(&netlink.Ifb{LinkAttrs: attrs}); err != nil {
		return fmt.Errorf("add interface %s of type ifb: %w", attrs.Name, err)
	}
	queue, err := k.links.LinkByName(attrs.Name)
	if err == nil {
		err = k.links.LinkSetUp(queue)
	}
	if err != nil {
		return fmt.Errorf("set interface %s up: %w", attrs.Name, err)
	}
	if err := k.addBucket(queue, rate); err != nil {
		return err
	}
	return k.redirect(link, queue)
}

// addBucket puts a token bucket before link; tc-tbf(8). Packets wait 25 ms at most.
func (k *Kernel) addBucket(link netlink.Link, rate uint64) error {
	const latency = 40 // in a second
	bytes, burst := rate/8, nsnet.Burst(rate)
	err := k.links.QdiscReplace(&netlink.Tbf{
		QdiscAttrs: netlink.QdiscAttrs{LinkIndex: link.Attrs().Index, Handle: netlink.MakeHandle(1, 0), Parent: netlink.HANDLE_ROOT},
		Rate:       bytes,
		Limit:      uint32(min(bytes/latency+uint64(burst), 1<<31)),
		Buffer:     ticks(bytes, burst),
	})
	if err != nil {
		return fmt.Errorf("limit %s to %d bit/s by tbf: %w", link.Attrs().Name, rate, err)
	}
	return nil
}

// ticks is how long burst takes at a rate in bytes per second, in the kernel's unit.
func ticks(rate uint64, burst uint32) uint32 {
	return uint32(float64(burst) / float64(rate) * netlink.TIME_UNITS_PER_SEC * netlink.TickInUsec())
}

// redirect sends all that comes in by link out by to.
func (k *Kernel) redirect(link, to netlink.Link) error {
	index := link.Attrs().Index
	err := k.links.QdiscReplace(&netlink.Ingress{QdiscAttrs: netlink.QdiscAttrs{
		LinkIndex: index, Handle: netlink.MakeHandle(0xffff, 0), Parent: netlink.HANDLE_INGRESS}})
	if err == nil {
		// u32 without a selector matches all, and is there where cls_matchall isn't.
		err = k.links.FilterReplace(&netlink.U32{
			FilterAttrs: netlink.FilterAttrs{LinkIndex: index, Parent: netlink.MakeHandle(0xffff, 0), Priority: 1, Protocol: unix.ETH_P_ALL},
			Actions:     []netlink.Action{netlink.NewMirredAction(to.Attrs().Index)},
		})
	}
	if err != nil {
		return fmt.Errorf("redirect %s to %s: %w", link.Attrs().Name, to.Attrs().Name, err)
	}
	return nil
}
