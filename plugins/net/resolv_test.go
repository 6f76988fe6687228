// SPDX-License-Identifier: Apache-2.0

package main

import (
	"strings"
	"testing"

	"github.com/containernetworking/cni/pkg/types"
	"github.com/google/go-cmp/cmp"
)

func TestReadHostDNS(t *testing.T) {
	dir := t.TempDir()
	stub := write(t, dir, "stub", "nameserver 127.0.0.53\noptions edns0 trust-ad\nsearch stub.example\n")
	real := write(t, dir, "real", "# a comment\nnameserver 192.0.2.53\nnameserver fe80::1%eth0\nnameserver 2001:db8::53\nsearch a.example\ndomain b.example c.example\n")
	for _, tt := range []struct {
		name  string
		files []string
		want  string
	}{
		{"behind the stub", []string{stub, real}, "search b.example c.example\nnameserver 192.0.2.53\nnameserver 2001:db8::53\n"},
		{"first", []string{real, stub}, "search b.example c.example\nnameserver 192.0.2.53\nnameserver 2001:db8::53\n"},
		{"stub only", []string{stub, dir + "/none"}, "# no name server is known that a sandbox can reach\nsearch stub.example\noptions edns0 trust-ad\n"},
		{"none", []string{dir + "/none"}, "# no name server is known that a sandbox can reach\n"},
	} {
		if d := cmp.Diff(tt.want, readHostDNS(tt.files).String()); d != "" {
			t.Errorf("%s:\n%s", tt.name, d)
		}
	}
}

func TestMergeDNS(t *testing.T) {
	host := resolvConf{servers: []string{"192.0.2.1"}, search: []string{"host"}, options: []string{"ndots:2"}}
	for _, tt := range []struct {
		name    string
		user    resolvConf
		network types.DNS
		want    string
	}{
		{"host", resolvConf{}, types.DNS{}, "search host\nnameserver 192.0.2.1\noptions ndots:2\n"},
		{"network", resolvConf{}, types.DNS{Nameservers: []string{"192.0.2.2"}, Domain: "net"}, "search net\nnameserver 192.0.2.2\noptions ndots:2\n"},
		{"user", resolvConf{servers: []string{"192.0.2.3"}}, types.DNS{Nameservers: []string{"192.0.2.2"}, Search: []string{"net"}, Domain: "x", Options: []string{"rotate"}}, "search net\nnameserver 192.0.2.3\noptions rotate\n"},
	} {
		if d := cmp.Diff(tt.want, mergeDNS(tt.user, tt.network, host).String()); d != "" {
			t.Errorf("%s:\n%s", tt.name, d)
		}
	}
}

func TestHosts(t *testing.T) {
	dir := t.TempDir()
	file := write(t, dir, "hosts", "127.0.0.1 localhost\n192.0.2.7 printer")
	large := write(t, dir, "large", strings.Repeat("192.0.2.7 printer\n", 4000))
	latin := write(t, dir, "latin", "192.0.2.7 printer # b\xfcro\n")
	const short = "127.0.0.1\tlocalhost\n::1\tlocalhost\n10.0.0.2\tweb\n10.0.0.1\thost.nsrun.internal\n"
	for _, tt := range []struct {
		name, file, runName, want string
		whole                     bool
	}{
		{"with the host's", file, "web", "127.0.0.1 localhost\n192.0.2.7 printer\n10.0.0.2\tweb\n10.0.0.1\thost.nsrun.internal\n", true},
		{"bad name", file, "a b", "127.0.0.1 localhost\n192.0.2.7 printer\n10.0.0.1\thost.nsrun.internal\n", true},
		{"no UTF-8", latin, "a b", "192.0.2.7 printer # b?ro\n10.0.0.1\thost.nsrun.internal\n", true},
		{"without the host's", file + "x", "web", short, true},
		{"too large", large, "web", short, false},
	} {
		got, whole := hosts{tt.runName, []string{"10.0.0.2"}, []string{"10.0.0.1"}}.file(tt.file)
		if d := cmp.Diff(tt.want, got); d != "" || whole != tt.whole {
			t.Errorf("%s: whole %v\n%s", tt.name, whole, d)
		}
	}
}
