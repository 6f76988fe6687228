// SPDX-License-Identifier: Apache-2.0

package main

import (
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/nsrun/nsrun/nsplugin/nsnet"
	"github.com/nsrun/nsrun/nsplugin/nsnet/bridge"
	"github.com/nsrun/nsrun/nsplugin/nsnet/nettest"
)

// gateway is the host's address on nsrun's own bridge.
const gateway = "10.177.0.1"

// guest returns a guest on nsrun's own bridge, whose port 7777 of the gateway leads to the
// host's 127.0.0.1.
func (s *sandbox) guest(address string) *bridge.Guest {
	s.h.T.Helper()
	ways := []bridge.Way{{From: netip.MustParseAddr(address), Host: netip.MustParseAddr(gateway)}}
	ports := []nsnet.Mapping{{HostIP: netip.MustParseAddr("127.0.0.1"), HostPort: 7777, Port: 7777, Protocol: "tcp"}}
	g, err := bridge.NewGuest(s.ID, ways, ports)
	must(s.h.T, err)
	return g
}

// localnet is the kernel's route_localnet of nsrun's own bridge.
func (h *host) localnet() string {
	h.T.Helper()
	return strings.TrimSpace(h.Run("cat", "/proc/sys/net/ipv4/conf/"+defaultBridge+"/route_localnet"))
}

// TestGuestIsLed leads one sandbox and not its neighbour, also where frames on a bridge
// pass the IP rules.
func TestGuestIsLed(t *testing.T) {
	for _, filter := range []string{"0", "1"} {
		t.Run("bridge filter "+filter, func(t *testing.T) {
			h, n := newHost(t), &network{}
			h.FilterBridges(filter)
			s, neighbour := h.newSandbox(), h.newSandbox()
			g := s.guest(s.mustPre(n))
			neighbour.mustPre(n)
			serveLoopback(t)
			must(t, g.Admit())
			must(t, g.Admit()) // as often as one likes
			h.Expect(s.Path, gateway+":7777", "service")
			if got, err := nettest.Ask(neighbour.Path, gateway+":7777"); err == nil {
				t.Errorf("a neighbour was answered %q", got)
			}
			s.MustPost(n)
			neighbour.MustPost(n)
			if h.localnet() != "0" {
				t.Errorf("route_localnet %s", h.localnet())
			}
			h.Lacks(s.ID, "nsrun")
		})
	}
}

// serveLoopback answers "service" on the host's 127.0.0.1:7777.
func serveLoopback(t *testing.T) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:7777")
	must(t, err)
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			conn.Write([]byte("service"))
			conn.Close()
		}
	}()
}

// TestAdmitKilled kills what opens a way at many moments. PostExec knows nothing but the
// run, and leaves nothing.
func TestAdmitKilled(t *testing.T) {
	h, n := newHost(t), &network{}
	s := h.newSandbox()
	g := s.guest(s.mustPre(n))
	clean := h.Snapshot()
	begin := time.Now()
	must(t, g.Admit())
	whole := time.Since(begin)
	const kills = 20
	for i := range kills {
		must(t, bridge.Dismiss(s.ID))
		if d := cmp.Diff(clean, h.Snapshot()); d != "" || h.localnet() != "0" {
			t.Fatalf("%d: route_localnet %s\n%s", i, h.localnet(), d)
		}
		_ = h.killed(map[string]any{"Guest": g}, whole*time.Duration(i+1)/kills)
	}
	s.MustPost(n)
	h.Lacks(s.ID, "inet nsrun")
}
