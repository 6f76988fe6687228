// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"

	"github.com/containernetworking/cni/libcni"
	"github.com/containernetworking/cni/pkg/version"

	"github.com/nsrun/nsrun/ns"
	"github.com/nsrun/nsrun/nsplugin"
)

// firstCheck is the first version of CNI that has CHECK.
const firstCheck = "0.4.0"

// CheckRun calls the CHECK of the network's plugins, and looks after what is nsrun's own.
func (n *network) CheckRun(ctx context.Context, req *ns.HookRequest) ([]ns.Diagnostic, error) {
	a, err := recall(req)
	if err != nil {
		return nil, err
	}
	if a == nil {
		return nil, nsplugin.Errorf("check run %s: the record of its attachment is gone", req.RunID)
	}
	found, err := a.check(ctx)
	if err != nil || a.Guest == nil {
		return found, err
	}
	own, err := a.Guest.Check()
	return append(found, own...), err
}

// check says of each plugin of the network whether what its ADD made still holds.
func (a *attachment) check(ctx context.Context) ([]ns.Diagnostic, error) {
	lock, err := a.lock()
	if err != nil {
		return nil, err
	}
	if lock == nil {
		return nil, nsplugin.Errorf("check network %s: the run's directory is gone", a.Network)
	}
	defer lock.Close()
	cni, list, err := a.cni(lock)
	if err != nil {
		return nil, err
	}
	if why, err := noCheck(list); err != nil {
		return nil, err
	} else if why != nil {
		return []ns.Diagnostic{*why}, nil
	}
	var found []ns.Diagnostic
	for _, plugin := range list.Plugins {
		found = append(found, *a.checkPlugin(ctx, cni, list, plugin))
	}
	return found, nil
}

// noCheck says why the network can't be checked, or returns nil.
func noCheck(list *libcni.NetworkConfigList) (*ns.Diagnostic, error) {
	has, err := version.GreaterThanOrEqualTo(list.CNIVersion, firstCheck)
	switch {
	case err != nil:
		return nil, nsplugin.Errorf("check network %s: %w", list.Name, err)
	case !has:
		return nsplugin.Warnf("network %s: CNI %s, which it is configured for, has no CHECK", list.Name, list.CNIVersion).
			WithHint("cniVersion " + firstCheck + " or later in its configuration, for runs from then on"), nil
	case list.DisableCheck:
		return nsplugin.Warnf("network %s: its configuration says disableCheck", list.Name), nil
	}
	return nil, nil
}

// checkPlugin calls the CHECK of one plugin with the result of the whole ADD. libcni's
// own check of the list stops at the first plugin that has something to say.
func (a *attachment) checkPlugin(ctx context.Context, cni *libcni.CNIConfig, list *libcni.NetworkConfigList, plugin *libcni.PluginConfig) *ns.Diagnostic {
	conf, err := libcni.InjectConf(plugin, map[string]any{"name": list.Name, "cniVersion": list.CNIVersion})
	if err == nil {
		err = cni.CheckNetwork(ctx, conf, a.runtimeConf(a.NetNS))
	}
	where := "network " + list.Name + ", interface " + a.Interface
	if err == nil {
		return nsplugin.Noticef("%s: CHECK of CNI plugin %s", where, plugin.Network.Type)
	}
	return told(where, err.Error(), err).WithHint("end the run and start it again: CNI has no way to repair")
}
