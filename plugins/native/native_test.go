// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"testing"

	"github.com/nsrun/nsrun/ns"
	"github.com/nsrun/nsrun/nsplugin/nsnet/bridge"
	"github.com/nsrun/nsrun/nsplugin/nsnet/nettest"
	"github.com/nsrun/nsrun/nsplugin/nstest"
)

var kit = nettest.Kit{
	Subnet: "10.178.0.0/16",
	Device: bridge.DefaultDevice,
	New: func(o nettest.Options) nettest.Backend {
		return &native{Options: bridge.Options{
			SubnetOption: o.SubnetOption, PublishOption: o.PublishOption, AddressOptions: o.AddressOptions, MACOption: o.MACOption,
			MTUOption: o.MTUOption, NameOptions: o.NameOptions, BandwidthOption: o.BandwidthOption,
		}}
	},
}

func TestMain(m *testing.M) { os.Exit(nettest.Main(m, kit)) }

func TestDefaultNetwork(t *testing.T) { nettest.DefaultNetwork(t, kit) }

func TestConformance(t *testing.T) {
	nettest.NewHost(t) // for the private host; the kit calls the plugin on threads of its own
	setting := func(option string, args ...string) ns.Setting { return ns.Setting{Option: option, Args: args} }
	nstest.Test(t, &native{},
		nstest.Case{Name: "published", Settings: []ns.Setting{setting("publish", "8080:80"), setting("publish", "127.0.0.1:53:53/udp")}},
		nstest.Case{Name: "addresses", Settings: []ns.Setting{setting("ip", "10.178.0.9"), setting("mac", "02:00:5e:10:00:01")}},
		nstest.Case{Name: "isolated and slow", Settings: []ns.Setting{setting("isolate", "true"), setting("bandwidth", "1mbit"), setting("mtu", "1400")}},
		nstest.Case{Name: "names", Kinds: []ns.Kind{ns.Mount}, Settings: []ns.Setting{setting("dns", "192.0.2.1"), setting("add-host", "a:192.0.2.1")}},
		nstest.Case{Name: "ordinary user", Facts: ns.Facts{UID: 1000, GID: 1000, Dir: "/"}, Refused: "net=none"},
		nstest.Case{Name: "two addresses", Settings: []ns.Setting{setting("ip", "10.178.0.9"), setting("ip", "10.178.0.10")}, Refused: "one address of each family"},
	)
}
