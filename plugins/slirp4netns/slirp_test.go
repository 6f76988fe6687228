// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"errors"
	"io"
	"net"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/nsrun/nsrun/ns"
	"github.com/nsrun/nsrun/nsplugin/nsnet"
	"github.com/nsrun/nsrun/nsplugin/nsnet/nettest"
	"github.com/nsrun/nsrun/nsplugin/nstest"
)

// needSlirp skips a test where slirp4netns can't work; in CI that is a failure.
func needSlirp(t *testing.T) {
	t.Helper()
	_, err := program.Find()
	nettest.Need(t, errors.Join(err, nsnet.CheckTun("slirp4netns")))
}

func set(option, value string) ns.Setting { return ns.Setting{Option: option, Args: []string{value}} }

func TestConformance(t *testing.T) {
	needSlirp(t)
	nstest.Test(t, &slirp{},
		nstest.Case{Name: "everything", Kinds: []ns.Kind{ns.User, ns.Mount}, Settings: []ns.Setting{
			set("publish", "127.0.0.1:18473:80"), set("mtu", "1400"), set("mac", "02:00:5e:10:00:01"), set("dns", "192.0.2.53"),
		}},
		nstest.Case{Name: "sctp", Settings: []ns.Setting{set("publish", "18474:80/sctp")}, Refused: "tcp and udp only"},
		nstest.Case{Name: "IPv6 port", Settings: []ns.Setting{set("publish", "[::1]:18474:80")}, Refused: "net=pasta"},
		nstest.Case{Name: "large mtu", Settings: []ns.Setting{set("mtu", "65530")}, Refused: "65521 at most"},
	)
}

func TestOffer(t *testing.T) {
	needSlirp(t)
	req := ns.Request{Owns: []ns.Kind{ns.Net}, Kinds: []ns.Kind{ns.User, ns.Net, ns.Mount}, Facts: ns.Facts{UID: 1000}}
	got, err := (&slirp{}).Negotiate(t.Context(), &req)
	if err != nil {
		t.Fatal(err)
	}
	want := &ns.Offer{
		Kinds: []ns.Kind{ns.Net}, Steps: []ns.Step{{Op: ns.OpLinkUp, Target: "lo"}}, Hooks: []ns.Point{ns.PreExec, ns.PostExec},
		Claims: []string{"the path /etc/resolv.conf", "the path /etc/hosts"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("offer (-want +got):\n%s", diff)
	}
}

func TestArguments(t *testing.T) {
	const closed = "--enable-ipv6 --disable-host-loopback --enable-sandbox --enable-seccomp --exit-fd=3 --ready-fd=4"
	for _, tt := range []struct {
		name string
		wish wish
		want string
	}{
		{"plain", wish{}, "--configure --mtu=65520 " + closed + " 7 eth0"},
		{"all", wish{mtu: 1400, mac: "02:00:00:00:00:01", ports: []nsnet.Mapping{{HostPort: 1, Port: 2, Protocol: "tcp"}}},
			"--configure --mtu=1400 " + closed + " --macaddress=02:00:00:00:00:01 --api-socket=/s 7 eth0"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := strings.Join(tt.wish.arguments(7, "/s"), " "); got != tt.want {
				t.Errorf("got\n%s\nwant\n%s", got, tt.want)
			}
		})
	}
}

func TestWayOut(t *testing.T) {
	var d *ns.Diagnostic
	err := explain(&ns.Diagnostic{Summary: "start slirp4netns: it exited with status 1", Detail: "received tapfd=5; setegid(0); parent failed"})
	if !errors.As(err, &d) || !strings.Contains(d.Hint, "--map-root-user") || !strings.Contains(d.Detail, "mapped to nobody") {
		t.Errorf("got %+v", d)
	}
	if other := errors.New("other"); !errors.Is(explain(other), other) || explain(nil) != nil {
		t.Error("another error was changed")
	}
}

// TestPublishAsksTheSocket plays slirp4netns, whose answers are hard to provoke.
func TestPublishAsksTheSocket(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "s")
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	answers := []string{`{"return":{"id":1}}`, `{"error":{"desc":"bad request: add_hostfwd: slirp_add_hostfwd failed"}}`, ``}
	asked := make(chan string, len(answers))
	go func() {
		for _, a := range answers {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			text, _ := io.ReadAll(bufio.NewReader(conn))
			asked <- strings.TrimSpace(string(text))
			_, _ = conn.Write([]byte(a))
			conn.Close()
		}
	}()
	ports, err := nsnet.PublishOption{Publish: []string{"8080:80", "127.0.0.1:81:82/udp", "83:83"}}.Ports()
	if err != nil {
		t.Fatal(err)
	}
	err = (&wish{ports: ports}).publish(t.Context(), socket)
	var said []string
	for _, d := range ns.Diagnose(err) {
		said = append(said, d.Summary)
	}
	want := []string{
		"publish 127.0.0.1:81->82/udp: bad request: add_hostfwd: slirp_add_hostfwd failed",
		"publish 83->83/tcp: read the answer of slirp4netns: EOF",
	}
	if diff := cmp.Diff(want, said); diff != "" {
		t.Errorf("errors (-want +got):\n%s", diff)
	}
	for _, want := range []string{
		`{"execute":"add_hostfwd","arguments":{"proto":"tcp","host_addr":"0.0.0.0","host_port":8080,"guest_port":80}}`,
		`{"execute":"add_hostfwd","arguments":{"proto":"udp","host_addr":"127.0.0.1","host_port":81,"guest_port":82}}`,
	} {
		if got := <-asked; got != want {
			t.Errorf("asked %s, want %s", got, want)
		}
	}
}
