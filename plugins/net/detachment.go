// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/containernetworking/cni/libcni"
	"github.com/containernetworking/cni/pkg/types"
	"github.com/containernetworking/cni/pkg/version"
	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

// detachment is a DEL of the whole network that has failed, made plugin by plugin. What a
// plugin can't undo now stays owed; what isn't there is no reason for that, though some
// plugins say so by an error. CNI has them succeed then: SPEC of CNI, "DEL".
type detachment struct {
	*attachment
	cni  *libcni.CNIConfig
	list *libcni.NetworkConfigList
	rt   *libcni.RuntimeConf
	// result is that of ADD, or nil.
	result types.Result
}

// detachment returns one that gives all plugins the result that cni keeps. Its own handle has
// none: libcni forgets it as soon as one plugin has succeeded, and firewall, for one, undoes
// only what is in there, now or the next time.
func (a *attachment) detachment(cni *libcni.CNIConfig, list *libcni.NetworkConfigList, rt *libcni.RuntimeConf, lock *os.File) *detachment {
	d := &detachment{attachment: a, cni: a.handle(filepath.Join(a.Dir, "none"), lock), list: list, rt: rt}
	if given, _ := version.GreaterThanOrEqualTo(list.CNIVersion, firstResult); given {
		d.result, _ = cni.GetNetworkListCachedResult(list, rt) // without one, CNI has DEL do what it can
	}
	return d
}

// firstResult is the first version of CNI that has the result given to DEL.
const firstResult = "0.4.0"

// each calls the DEL of each plugin, also after one has failed: libcni stops at the first,
// and would leave what those before it made.
func (d *detachment) each(ctx context.Context) error {
	var errs []error
	for _, plugin := range slices.Backward(d.list.Plugins) {
		errs = append(errs, d.plugin(ctx, plugin))
	}
	return errors.Join(errs...)
}

// plugin calls the DEL of one plugin. If it refuses, the reason may be the plugin by which it
// has its addresses, which most ask before they do anything themselves: a range that is
// wrong in the configuration would keep a device of the host in the sandbox for ever. So
// it is asked again with one that has nothing to release, and then the other itself.
func (d *detachment) plugin(ctx context.Context, p *libcni.PluginConfig) error {
	err := d.del(ctx, p, p.Network.Type, nil)
	ipam := p.Network.IPAM.Type
	if _, refused := errors.AsType[*cniError](err); !refused || ipam == "" {
		return err
	}
	err = d.del(ctx, p, p.Network.Type, map[string]any{"ipam": types.IPAM{Type: "static"}})
	if _, swept := leaseDir(d.list.Name, p); swept {
		return err // sweep releases its leases
	}
	return errors.Join(err, d.del(ctx, p, ipam, nil))
}

// del calls the DEL of the CNI plugin called name with p's configuration, changed by more.
func (d *detachment) del(ctx context.Context, p *libcni.PluginConfig, name string, more map[string]any) error {
	keys := map[string]any{"name": d.list.Name, "cniVersion": d.list.CNIVersion}
	maps.Copy(keys, more)
	if d.result != nil {
		keys["prevResult"] = d.result
	}
	conf, err := libcni.InjectConf(p, keys)
	if err != nil {
		return err
	}
	conf.Network.Type = name
	err = d.cni.DelNetwork(ctx, conf, d.rt)
	switch {
	case d.neverMade(err):
		return nil
	case d.absent(err):
		return d.elsewhere(err)
	}
	return err
}

// neverMade reports whether a plugin refuses DEL because it doesn't speak the network's
// version. It has refused ADD, too, unless that has succeeded with another plugin of
// this name.
func (d *detachment) neverMade(err error) bool {
	e, ok := errors.AsType[*cniError](err)
	return ok && e.Reply.Code == types.ErrIncompatibleCNIVersion && !d.Whole
}

// absent reports whether host-device finds no interface to give back: ADD has failed, or
// DEL was made before, or the device is gone. It has released its addresses by then.
// See https://github.com/containernetworking/plugins/issues/995.
func (d *detachment) absent(err error) bool {
	e, ok := errors.AsType[*cniError](err)
	return ok && e.Plugin == "host-device" &&
		strings.Contains(e.Reply.Msg, fmt.Sprintf("failed to find %q", d.Interface)) && strings.Contains(e.Reply.Msg, "Link not found")
}

// elsewhere is an error if the host's device is in the namespace under another name, which
// the command gave it: a virtual one would end with the namespace. host-device keeps the
// name that it has on the host as its alias; ip-link(8).
func (d *detachment) elsewhere(absent error) error {
	links, err := linksIn(d.rt.NetNS)
	if err != nil {
		return errors.Join(absent, err)
	}
	for _, link := range links {
		if a := link.Attrs(); a.Alias != "" {
			return fmt.Errorf("%w; %s of the host is there as %s: nsenter --net=%s ip link set %s name %s",
				absent, a.Alias, a.Name, d.NetNS, a.Name, d.Interface)
		}
	}
	return nil
}

// linksIn returns the interfaces of the network namespace at path.
func linksIn(path string) ([]netlink.Link, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	h, err := netlink.NewHandleAt(netns.NsHandle(f.Fd()), unix.NETLINK_ROUTE)
	if err != nil {
		return nil, fmt.Errorf("open netlink(7) in %s: %w", path, err)
	}
	defer h.Close()
	links, err := h.LinkList()
	if err != nil {
		return nil, fmt.Errorf("list the interfaces of %s: %w", path, err)
	}
	return links, nil
}
