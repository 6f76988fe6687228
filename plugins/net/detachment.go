// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"

	"github.com/containernetworking/cni/libcni"
	"github.com/containernetworking/cni/pkg/types"
	"github.com/containernetworking/cni/pkg/version"
)

// detachment is a DEL of the whole network that has failed, made plugin by plugin.
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

// plugin calls the DEL of one plugin.
func (d *detachment) plugin(ctx context.Context, p *libcni.PluginConfig) error {
	keys := map[string]any{"name": d.list.Name, "cniVersion": d.list.CNIVersion}
	if d.result != nil {
		keys["prevResult"] = d.result
	}
	conf, err := libcni.InjectConf(p, keys)
	if err != nil {
		return err
	}
	if err := d.cni.DelNetwork(ctx, conf, d.rt); !d.neverMade(err) {
		return err
	}
	return nil
}

// neverMade reports whether a plugin refuses DEL because it doesn't speak the network's
// version. It has refused ADD, too, unless that has succeeded with another plugin of
// this name.
func (d *detachment) neverMade(err error) bool {
	e, ok := errors.AsType[*cniError](err)
	return ok && e.Reply.Code == types.ErrIncompatibleCNIVersion && !d.Whole
}
