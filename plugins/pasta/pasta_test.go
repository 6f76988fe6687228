// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/nsrun/nsrun/ns"
	"github.com/nsrun/nsrun/nsplugin/nsnet"
	"github.com/nsrun/nsrun/nsplugin/nsnet/nettest"
	"github.com/nsrun/nsrun/nsplugin/nstest"
)

// needPasta skips a test where pasta can't work; in CI that is a failure.
func needPasta(t *testing.T) {
	t.Helper()
	_, err := program.Find()
	nettest.Need(t, errors.Join(err, nsnet.CheckTun("pasta")))
}

func set(option, value string) ns.Setting { return ns.Setting{Option: option, Args: []string{value}} }

func TestConformance(t *testing.T) {
	needPasta(t)
	nstest.Test(t, &pasta{},
		nstest.Case{Name: "everything", Kinds: []ns.Kind{ns.User, ns.Mount}, Settings: []ns.Setting{
			set("publish", "127.0.0.1:18471:80"), set("allow-host", "5432"), set("mtu", "1400"), set("mac", "02:00:5e:10:00:01"),
			set("dns", "192.0.2.53"), set("add-host", "db:host-gateway"),
		}},
		nstest.Case{Name: "sctp", Settings: []ns.Setting{set("publish", "18472:80/sctp")}, Refused: "tcp and udp only"},
		nstest.Case{Name: "small mtu", Settings: []ns.Setting{set("mtu", "1000")}, Refused: "--mtu"},
		nstest.Case{Name: "two addresses", Settings: []ns.Setting{set("ip", "10.1.1.1"), set("ip", "10.1.1.2")}, Refused: "a second address"},
		nstest.Case{Name: "no room", Settings: []ns.Setting{set("ip", "10.1.1.1/31")}, Refused: "room for a gateway"},
		nstest.Case{Name: "IPv6 network", Settings: []ns.Setting{set("ip6", "fd00::5/48")}, Refused: "--ip6 fd00::5"},
		nstest.Case{Name: "no port", Settings: []ns.Setting{set("allow-host", "0")}, Refused: "--allow-host"},
		nstest.Case{Name: "group address", Settings: []ns.Setting{set("mac", "01:00:5e:10:00:01")}, Refused: "--mac"},
	)
}

func TestOffer(t *testing.T) {
	needPasta(t)
	hooks := []ns.Point{ns.PreExec, ns.PostExec}
	steps := []ns.Step{{Op: ns.OpLinkUp, Target: "lo"}}
	claims := []string{"the path /etc/resolv.conf", "the path /etc/hosts"}
	for _, tt := range []struct {
		name string
		req  ns.Request
		want ns.Offer
	}{
		{"ordinary user", ns.Request{Kinds: []ns.Kind{ns.User, ns.Net, ns.Mount}, Facts: ns.Facts{UID: 1000}},
			ns.Offer{Kinds: []ns.Kind{ns.Net}, Steps: steps, Hooks: hooks, Claims: claims}},
		{"root without user namespace", ns.Request{Kinds: []ns.Kind{ns.Net, ns.Mount}},
			ns.Offer{Kinds: []ns.Kind{ns.Net}, Steps: steps, Hooks: hooks, Claims: claims, Pin: []ns.Kind{ns.Net}}},
		{"root with user namespace", ns.Request{Kinds: []ns.Kind{ns.User, ns.Net, ns.Mount}},
			ns.Offer{Kinds: []ns.Kind{ns.Net}, Steps: steps, Hooks: hooks, Claims: claims}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.req.Owns = []ns.Kind{ns.Net}
			got, err := (&pasta{}).Negotiate(t.Context(), &tt.req)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(&tt.want, got); diff != "" {
				t.Errorf("offer (-want +got):\n%s", diff)
			}
		})
	}
}

func TestArguments(t *testing.T) {
	const begin = "--foreground --pid /proc/self/fd/1 --config-net --ns-ifname eth0 --no-map-gw "
	closed := "--tcp-ports none --udp-ports none --tcp-ns none --udp-ns none "
	user := target{net: "/proc/7/ns/net", user: "/proc/7/ns/user"}
	for _, tt := range []struct {
		name    string
		pasta   pasta
		target  target
		forward bool
		want    string
	}{
		{"plain", pasta{}, user, false, begin + closed + "--userns /proc/7/ns/user --netns /proc/7/ns/net"},
		{"as root", pasta{}, target{net: "/run/x/net", root: true}, false, begin + closed + "--runas 0 --netns-only --netns /run/x/net"},
		{"addresses", pasta{AddressOptions: nsnet.AddressOptions{IP: []string{"10.1.2.1"}, IP6: []string{"fd00::7/64"}}}, target{net: "n", user: "u"}, false,
			begin + "--address 10.1.2.1 --gateway 10.1.2.2 --netmask 24 --address fd00::7 --gateway fd00::1 " + closed + "--userns u --netns n"},
		{"wide network", pasta{AddressOptions: nsnet.AddressOptions{IP: []string{"10.1.2.3/16"}}}, target{net: "n", user: "u"}, false,
			begin + "--address 10.1.2.3 --gateway 10.1.0.1 --netmask 16 " + closed + "--userns u --netns n"},
		{"local resolver", pasta{}, target{}, true, begin + "--dns-forward 169.254.1.1 " + closed + "--netns-only --netns "},
		{
			"ports",
			pasta{
				PublishOption:   nsnet.PublishOption{Publish: []string{"8080:80", "127.0.0.1:81:81", "[::1]:82:83", "53:53/udp"}},
				AllowHostOption: nsnet.AllowHostOption{AllowHost: []string{"5432", "53/udp", "7000-7001"}},
				MTUOption:       nsnet.MTUOption{MTU: 1400}, MACOption: nsnet.MACOption{MAC: "02:00:00:00:00:01"},
			},
			target{net: "n", user: "u"}, false,
			begin + "--mtu 1400 --ns-mac-addr 02:00:00:00:00:01 --tcp-ports 8080:80 --tcp-ports 127.0.0.1/81 --tcp-ports ::1/82:83 --udp-ports 53 " +
				"--tcp-ns 5432 --tcp-ns 7000 --tcp-ns 7001 --udp-ns 53 --userns u --netns n",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w, err := tt.pasta.resolve()
			if w == nil || err != nil && w.program != "" {
				t.Fatal(err)
			}
			if got := strings.Join(w.arguments(tt.target, tt.forward), " "); got != tt.want {
				t.Errorf("got\n%s\nwant\n%s", got, tt.want)
			}
		})
	}
}

func TestAllFaultsAtOnce(t *testing.T) {
	p := pasta{
		PublishOption: nsnet.PublishOption{Publish: []string{"x", "1:1/sctp"}}, MTUOption: nsnet.MTUOption{MTU: 3},
		MACOption: nsnet.MACOption{MAC: "y"}, NameOptions: nsnet.NameOptions{DNS: []string{"z"}},
	}
	_, err := p.resolve()
	var options []string
	for _, d := range ns.Diagnose(err) {
		if d.Option != "" {
			options = append(options, d.Option)
		}
	}
	if diff := cmp.Diff([]string{"publish", "mtu", "dns", "mac", "publish"}, options); diff != "" {
		t.Errorf("options at fault (-want +got):\n%s", diff)
	}
}

func TestWayOut(t *testing.T) {
	for detail, hint := range map[string]string{
		"No routable interface for any IP version":     "net=slirp4netns",
		"Failed to bind any port for '-t 80', exiting": "other host ports",
		// What is said first is said on every host without IPv6.
		"No external routable interface for IPv6; Couldn't open user namespace /proc/105/ns/user: Permission denied": "AppArmor",
		"something else": "",
	} {
		var d *ns.Diagnostic
		if err := explain(&ns.Diagnostic{Summary: "start pasta", Detail: detail}); !errors.As(err, &d) || !strings.Contains(d.Hint, hint) {
			t.Errorf("%s: %+v", detail, d)
		}
	}
}
