// SPDX-License-Identifier: Apache-2.0

package nsnet

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/nsrun/nsrun/ns"
)

// read is what a reader of options found, or what it refused.
func read(value any, err error) string {
	if err == nil {
		return fmt.Sprint(value)
	}
	var lines []string
	for _, d := range ns.Diagnose(err) {
		lines = append(lines, d.Option+"|"+d.Summary+"|"+d.Hint)
	}
	return strings.Join(lines, "\n")
}

// TestOptions reads each option that means the same on every backend.
func TestOptions(t *testing.T) {
	const rateHint = "|--bandwidth [in=|out=]RATE in bit, kbit, mbit or gbit: --bandwidth out=2.5mbit"
	const macHint = "|six bytes, the first one even: --mac 02:00:5e:10:00:01"
	ip := func(texts ...string) string { return read(AddressOptions{IP: texts}.Addresses()) }
	ip6 := func(texts ...string) string { return read(AddressOptions{IP6: texts}.Addresses()) }
	mac := func(text string) string { return read(MACOption{text}.HardwareAddr()) }
	rate := func(texts ...string) string { return read(BandwidthOption{texts}.Limits()) }
	for i, tt := range []struct{ got, want string }{
		{ip("10.0.0.5", "fd00::5"), "[10.0.0.5 fd00::5]"},
		{ip("10.0.0.5/24"), "[10.0.0.5/24]"},
		{ip("::ffff:10.0.0.5"), "[10.0.0.5]"},
		{ip("x", "10.0.0.5/33", "fe80::1%lo", "10.0.0.0/0"), "ip|ip x: no IP address|\nip|ip 10.0.0.5/33: no IP address|\nip|ip fe80::1%lo: no IP address|\nip|ip 10.0.0.0/0: no IP address|"},
		{ip6("fd00::5"), "[fd00::5]"},
		{ip6("10.0.0.5"), "ip6|ip6 10.0.0.5: an IPv4 address|--ip 10.0.0.5"},
		{mac(""), ""},
		{mac("02:00:5E:10:00:01"), "02:00:5e:10:00:01"},
		{mac("01:00:5e:00:00:01"), "mac|mac 01:00:5e:00:00:01: no hardware address of one interface" + macHint},
		{mac("00:00:00:00:00:00"), "mac|mac 00:00:00:00:00:00: no hardware address of one interface" + macHint},
		{mac("02:00:5e:ff:fe:10:00:01"), "mac|mac 02:00:5e:ff:fe:10:00:01: no hardware address of one interface" + macHint},
		{read(MTUOption{}.Bytes(true)), "0"},
		{read(MTUOption{576}.Bytes(false)), "576"},
		{read(MTUOption{576}.Bytes(true)), "mtu|mtu 576: must be 1280 to 65535|"},
		{read(MTUOption{-1}.Bytes(false)), "mtu|mtu -1: must be 68 to 65535|"},
		{rate(), "{0 0}"},
		{rate("10mbit"), "{10000000 10000000}"},
		{rate("in=1Gbit", "out=2.5kbit"), "bandwidth|bandwidth out=2.5kbit: must be 8kbit to 1000gbit" + rateHint},
		{rate("in=1Gbit", "out=64kbit"), "{1000000000 64000}"},
		{rate("10"), "bandwidth|bandwidth 10: no unit" + rateHint},
		{rate("10mbps"), "bandwidth|bandwidth 10mbps: no unit" + rateHint},
		{rate("1e3mbit"), `bandwidth|bandwidth 1e3mbit: "1e3" is no number` + rateHint},
		{rate("up=1mbit"), `bandwidth|bandwidth up=1mbit: "up" is neither in nor out` + rateHint},
		{rate("1mbit", "in=2mbit"), "bandwidth|bandwidth in=2mbit: in is limited already" + rateHint},
		{read(AllowHostOption{[]string{"5432", "53/udp", "80-81"}}.Loopback()), "[5432->5432/tcp 53->53/udp 80->80/tcp 81->81/tcp]"},
		{read(AllowHostOption{[]string{"0"}}.Loopback()), `allow-host|allow-host 0: "0" is no number from 1 to 65535|--allow-host PORT[/PROTO], as in 5432 or 53/udp`},
		{read(nil, CheckRouted([]Mapping{mapping("[::1]:80:80"), mapping("[::]:81:81")})), "publish|publish [::1]:80->80/tcp: the kernel doesn't route packets from ::1|--publish 127.0.0.1:80:80/tcp"},
	} {
		if d := cmp.Diff(tt.want, tt.got); d != "" {
			t.Errorf("line %d:\n%s", i+1, d)
		}
	}
}

// mapping reads one port that is known to be good.
func mapping(text string) Mapping {
	all, err := parsePublish(text)
	if err != nil || len(all) != 1 {
		panic(text)
	}
	return all[0]
}

// TestFeatures lists the options of a backend, also those with a tag of its own.
func TestFeatures(t *testing.T) {
	type backend struct {
		PublishOption
		NameOptions
		MTU    int  `option:"mtu,required" help:"how large"`
		Strict bool `option:"strict" help:"no other backend has this"`
	}
	want := []string{"add-host", "bridge", "dns", "dns-search", "mtu", "no-hosts", "publish"}
	if d := cmp.Diff(want, Features(&backend{}, "bridge")); d != "" {
		t.Error(d)
	}
}

// TestReservations keeps ports from other runs, and gives them free.
func TestReservations(t *testing.T) {
	ports := Reservations(t.TempDir() + "/ports")
	web, local, dns := mapping("80:80"), mapping("127.0.0.1:80:81"), mapping("80:53/udp")
	for _, step := range []struct {
		got  error
		want string
	}{
		{ports.Check([]Mapping{web}), "<nil>"},
		{ports.Take("a", "web", []Mapping{web}), "<nil>"},
		{ports.Take("a", "web", []Mapping{web}), "<nil>"},
		{ports.Check([]Mapping{local}), "publish: host port 127.0.0.1:80/tcp is published already, as 80->80/tcp by run web"},
		{ports.Take("b", "b", []Mapping{dns, local}), "publish: host port 127.0.0.1:80/tcp is published already, as 80->80/tcp by run web"},
		{ports.Take("b", "b", []Mapping{dns}), "<nil>"},
		{ports.Drop("a"), "<nil>"},
		{ports.Drop("a"), "<nil>"},
		{ports.Take("b", "b", []Mapping{dns, local}), "<nil>"},
	} {
		if got := fmt.Sprint(step.got); got != step.want {
			t.Errorf("got %s; want %s", got, step.want)
		}
	}
}
