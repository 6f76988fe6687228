// SPDX-License-Identifier: Apache-2.0

package nsnet

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/nsrun/nsrun/ns"
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

// TestNoServer says why a sandbox has no name server.
func TestNoServer(t *testing.T) {
	dir := t.TempDir()
	both := write(t, dir, "both", "nameserver ::1\nnameserver 127.0.0.1\n")
	six := write(t, dir, "six", "nameserver ::1\n")
	const begin = "those of the host are on its loopback interface"
	for _, tt := range []struct{ file, notLed, want string }{
		{both, "", ""},
		{both, "it is far away", ", and it is far away"},
		{six, "", ", by ::1 alone, to which the kernel leads no other network namespace"},
	} {
		if got := noServer([]string{tt.file}, tt.notLed); got != begin+tt.want {
			t.Errorf("%s: %s", filepath.Base(tt.file), got)
		}
	}
}

func TestMergeDNS(t *testing.T) {
	host := Resolv{Servers: []string{"192.0.2.1"}, Search: []string{"host"}, Options: []string{"ndots:2"}}
	for _, tt := range []struct {
		name    string
		user    Resolv
		network Resolv
		want    string
	}{
		{"host", Resolv{}, Resolv{}, "search host\nnameserver 192.0.2.1\noptions ndots:2\n"},
		{"network", Resolv{}, Resolv{Servers: []string{"192.0.2.2"}, Search: []string{"net"}}, "search net\nnameserver 192.0.2.2\noptions ndots:2\n"},
		{"user", Resolv{Servers: []string{"192.0.2.3"}}, Resolv{Servers: []string{"192.0.2.2"}, Search: []string{"net"}, Options: []string{"rotate"}}, "search net\nnameserver 192.0.2.3\noptions rotate\n"},
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
		own := hosts{tt.runName, []netip.Addr{netip.MustParseAddr("10.0.0.2")}, []netip.Addr{netip.MustParseAddr("10.0.0.1")}, nil}
		got, whole := own.file(tt.file)
		if d := cmp.Diff(tt.want, got); d != "" || whole != tt.whole {
			t.Errorf("%s: whole %v\n%s", tt.name, whole, d)
		}
	}
}

// write makes a file in dir and returns its path.
func write(t *testing.T, dir, name, text string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestNames asks for the files in runs with and without a mount namespace.
func TestNames(t *testing.T) {
	place := Place{Addresses: []netip.Addr{netip.MustParseAddr("10.0.0.2")}, Gateways: []netip.Addr{netip.MustParseAddr("10.0.0.1")}}
	for _, tt := range []struct {
		name    string
		options NameOptions
		kinds   []ns.Kind
		want    string
	}{
		{"mount", NameOptions{}, []ns.Kind{ns.Mount}, "claims 2, wants 0, says 0, steps 2"},
		{"no mount", NameOptions{}, nil, "claims 0, wants 0, says 1, steps 0"},
		{"no mount, asked", NameOptions{DNS: []string{"192.0.2.1"}}, nil, "claims 0, wants 1, says 0, steps 0"},
		{"no mount, a host", NameOptions{AddHost: []string{"a:192.0.2.1"}}, nil, "claims 0, wants 1, says 0, steps 0"},
		{"left alone", NameOptions{DNS: []string{"none"}, NoHosts: true}, []ns.Kind{ns.Mount}, "claims 0, wants 0, says 0, steps 0"},
		{"left alone, no mount", NameOptions{DNS: []string{"none"}, NoHosts: true}, nil, "claims 0, wants 0, says 0, steps 0"},
		{"four servers", NameOptions{DNS: []string{"::1", "::2", "::3", "::4"}}, []ns.Kind{ns.Mount}, "claims 2, wants 1, says 1, steps 2"},
	} {
		names, err := tt.options.Names()
		if err != nil {
			t.Fatal(err)
		}
		var offer ns.Offer
		var reply ns.HookReply
		req := &ns.HookRequest{RunName: "web", Request: ns.Request{Kinds: tt.kinds}}
		names.Offer(&req.Request, &offer)
		names.Reply(req, place, &reply)
		got := fmt.Sprintf("claims %d, wants %d, says %d, steps %d", len(offer.Claims), len(offer.Wants), len(offer.Diagnostics), len(reply.Steps))
		if got != tt.want {
			t.Errorf("%s: %s; want %s", tt.name, got, tt.want)
		}
	}
}

// TestAddHost reads lines for hosts(5), and puts them before the sandbox's own name.
func TestAddHost(t *testing.T) {
	const hint = "|--add-host NAME:ADDRESS, or NAME:host-gateway for the host"
	names := func(texts ...string) string {
		n, err := NameOptions{AddHost: texts}.Names()
		if err != nil {
			return read(nil, err)
		}
		return hosts{name: "web", addresses: []netip.Addr{netip.MustParseAddr("10.0.0.2")}, gateways: []netip.Addr{netip.MustParseAddr("10.0.0.1")}, extra: n.extra}.lines()
	}
	for i, tt := range []struct{ got, want string }{
		{names("db:192.0.2.7", "six:2001:db8::7", "b:[::1]", "me:host-gateway"),
			"192.0.2.7\tdb\n2001:db8::7\tsix\n::1\tb\n10.0.0.1\tme\n10.0.0.2\tweb\n10.0.0.1\thost.nsrun.internal\n"},
		{names("db"), "add-host|add-host db: address missing" + hint},
		{names("a b:192.0.2.7", "c:x"), "add-host|add-host a b:192.0.2.7: \"a b\" is no host name" + hint + "\nadd-host|add-host c:x: \"x\" is no IP address" + hint},
		{read((NameOptions{AddHost: []string{"a:::1"}, NoHosts: true}).Names()), "add-host|add-host a:::1: no-hosts leaves the file as it is|either --add-host or --no-hosts"},
	} {
		if d := cmp.Diff(tt.want, tt.got); d != "" {
			t.Errorf("line %d:\n%s", i+1, d)
		}
	}
}

func TestIsHostName(t *testing.T) {
	for name, want := range map[string]bool{
		"a": true, "9.a_B-c.": true, strings.Repeat("x", 253): true,
		"": false, "-a": false, ".a": false, "a b": false, "a\n": false, "é": false, "aéb": false, strings.Repeat("x", 254): false,
	} {
		if got := isHostName(name); got != want {
			t.Errorf("%q: %t", name, got)
		}
	}
}
