// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"

	"github.com/containernetworking/cni/libcni"
	current "github.com/containernetworking/cni/pkg/types/100"
)

// supplyResult makes up for the result of an attach that was cut short. Some
// plugins, such as firewall, undo on DEL only what the result lists, which libcni
// keeps when the last plugin is done. The addresses are known from the leases.
func (a *attachment) supplyResult(list *libcni.NetworkConfigList) error {
	file := filepath.Join(a.Dir, "results", fmt.Sprintf("%s-%s-%s", list.Name, a.RunID, a.Interface))
	if kept, err := os.ReadFile(file); err == nil && json.Valid(kept) {
		return nil
	}
	result, err := a.leasedResult(list)
	if err != nil || len(result.IPs) == 0 {
		return err
	}
	data, err := json.Marshal(result)
	if err != nil {
		return fmt.Errorf("encode result: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return err
	}
	return os.WriteFile(file, data, 0o600)
}

// leasedResult is a result with the addresses that are leased to the run.
func (a *attachment) leasedResult(list *libcni.NetworkConfigList) (*current.Result, error) {
	result := &current.Result{
		CNIVersion: "1.0.0",
		Interfaces: []*current.Interface{{Name: a.Interface, Sandbox: a.NetNS}},
	}
	for _, plugin := range list.Plugins {
		dir, ok := leaseDir(list.Name, plugin)
		if !ok {
			continue
		}
		files, err := dir.find(leasedTo(a.RunID))
		if err != nil {
			return nil, err
		}
		for _, file := range files {
			result.IPs = append(result.IPs, &current.IPConfig{Interface: current.Int(0), Address: hostNet(filepath.Base(file))})
		}
	}
	return result, nil
}

// hostNet returns an address as a network of its own.
func hostNet(text string) net.IPNet {
	a, err := netip.ParseAddr(text)
	if err != nil {
		return net.IPNet{}
	}
	return net.IPNet{IP: a.AsSlice(), Mask: net.CIDRMask(a.BitLen(), a.BitLen())}
}
