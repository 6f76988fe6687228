// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/nsrun/nsrun/ns"
	"github.com/nsrun/nsrun/nsplugin/nsnet"
	"github.com/nsrun/nsrun/nsplugin/nsnet/bridge"
	"github.com/nsrun/nsrun/nsplugin/nsnet/nettest"
)

// TestIsolated keeps a sandbox and other bridges of the host apart, also by published
// ports, and neither those on its own bridge nor other machines.
func TestIsolated(t *testing.T) {
	for _, isolate := range []bool{false, true} {
		h := nettest.NewHost(t)
		here, there, mate := h.NewSandbox(), h.NewSandbox(), h.NewSandbox()
		alone := &native{Options: bridge.Options{IsolateOption: nsnet.IsolateOption{Isolate: isolate}, PublishOption: nsnet.PublishOption{Publish: []string{"8080:80"}}}}
		other := &native{Options: bridge.Options{SubnetOption: nsnet.SubnetOption{Subnet: []string{"10.9.0.0/24"}}, PublishOption: nsnet.PublishOption{Publish: []string{"8081:80"}}}}
		near, far, third := here.MustPre(alone), there.MustPre(other), mate.MustPre(&native{})
		here.Serve(80, "here")
		there.Serve(80, "there")
		mate.Serve(80, "mate")
		for _, ask := range []struct{ from, address string }{
			{here.Path, far + ":80"}, {here.Path, "10.178.0.1:8081"}, {there.Path, near + ":80"}, {there.Path, "10.9.0.1:8080"},
		} {
			if got, err := askShortly(ask.from, ask.address); (err != nil) != isolate {
				t.Errorf("isolate %v: %s answered %q, %v", isolate, ask.address, got, err)
			}
		}
		h.Expect(here.Path, third+":80", "mate")
		h.Expect(mate.Path, near+":80", "here")
		h.Expect(mate.Path, "10.178.0.1:8080", "here")
		h.Expect(h.Path, near+":80", "here")
		h.Expect(mate.Path, far+":80", "there")
		here.MustPost(alone)
		there.MustPost(other)
		mate.MustPost(&native{})
		h.Lacks("nsrun", `nsr\w+`)
	}
}

// askShortly asks with little patience: nothing answers where packets are dropped.
func askShortly(path, address string) (string, error) {
	err := nettest.In(path, func() error {
		conn, err := net.DialTimeout("tcp", address, time.Second)
		if err == nil {
			conn.Close()
		}
		return err
	})
	return address, err
}

// TestAllowHost leads one sandbox to a service on the host's loopback, by the port that it
// asked for of its gateway, and not another sandbox on the same bridge, nor anybody after it
// has ended.
func TestAllowHost(t *testing.T) {
	h := nettest.NewHost(t)
	service, err := net.Listen("tcp", "127.0.0.1:7777")
	if err != nil {
		t.Fatal(err)
	}
	defer service.Close()
	h.Run("ip", "addr", "add", "192.0.2.1/32", "dev", "lo")
	friend, other := h.NewSandbox(), h.NewSandbox()
	allowed := &native{AllowHostOption: nsnet.AllowHostOption{AllowHost: []string{"7777", "7778/udp"}}}
	friend.MustPre(allowed)
	other.MustPre(&native{})
	for _, ask := range []struct {
		path, address string
		answers       bool
	}{
		{friend.Path, "10.178.0.1:7777", true}, {friend.Path, "10.178.0.1:7778", false},
		{other.Path, "10.178.0.1:7777", false}, {friend.Path, "127.0.0.1:7777", false}, {friend.Path, "192.0.2.1:7777", false},
	} {
		if _, err := askShortly(ask.path, ask.address); (err == nil) != ask.answers {
			t.Errorf("%s of %s: %v", ask.address, ask.path, err)
		}
	}
	found, err := allowed.CheckRun(t.Context(), friend.Req)
	if err != nil || ns.HasErrors(found) {
		t.Errorf("check: %+v, %v", found, err)
	}
	friend.MustPost(allowed)
	if rules := h.Run("nft", "list", "ruleset"); strings.Contains(rules, "7777") || strings.Contains(rules, "7778") {
		t.Errorf("left:\n%s", rules)
	}
	other.MustPost(&native{})
	h.Lacks("nsrun", `nsr\w+`)
}

// TestLoopbackStaysClosed has a sandbox send packets to 127.0.0.1 by its bridge, which
// route_localnet would let pass to a service of the host; CVE-2020-8558.
func TestLoopbackStaysClosed(t *testing.T) {
	for _, guarded := range []bool{true, false} {
		h, n := nettest.NewHost(t), &native{Options: bridge.Options{PublishOption: nsnet.PublishOption{Publish: []string{"127.0.0.1:8080:80"}}}}
		s := h.NewSandbox()
		s.MustPre(n)
		service, err := net.Listen("tcp", "127.0.0.1:7777")
		if err != nil {
			t.Fatal(err)
		}
		if !guarded { // the test sees the hole that the chain closes
			h.Run("nft", "flush", "chain", "inet", "nsrun", "guard")
		}
		s.Run("sh", "-c", `ip addr flush dev lo; ip route add 127.0.0.1/32 via 10.178.0.1 src $(ip -4 -o addr show eth0 | sed 's/.*inet \([0-9.]*\).*/\1/');
			ip rule add pref 0 to 127.0.0.1 lookup main; ip rule del pref 0 lookup local; ip rule add pref 10 lookup local;
			echo 1 >/proc/sys/net/ipv4/conf/eth0/route_localnet`)
		if _, err := askShortly(s.Path, "127.0.0.1:7777"); (err != nil) != guarded {
			t.Errorf("guarded %v: the host's service: %v", guarded, err)
		}
		service.Close()
		s.MustPost(n)
	}
}

// TestUDPIsForgotten has a sender that doesn't pause, from before the port is published
// until after that: its packets go to the sandbox in between, and only then. The port is
// published for the run's length, or by one update until the next.
func TestUDPIsForgotten(t *testing.T) {
	t.Run("run", func(t *testing.T) {
		n := publishing("5353:53/udp")
		isForgotten(t, func(s *nettest.Sandbox) { s.MustPre(n) }, func(s *nettest.Sandbox) { s.MustPost(n) })
	})
	t.Run("update", func(t *testing.T) {
		change := func(s *nettest.Sandbox, n *native, add, remove []string) {
			if err := update(t, s, n, add, remove); err != nil {
				t.Error(err)
			}
		}
		port := []string{"5353:53/udp"}
		isForgotten(t, func(s *nettest.Sandbox) {
			s.MustPre(publishing())
			change(s, publishing(), port, nil)
		}, func(s *nettest.Sandbox) { change(s, publishing(port...), nil, port) })
	})
}

func isForgotten(t *testing.T, publish, unpublish func(*nettest.Sandbox)) {
	h := nettest.NewHost(t)
	client := h.NewSandbox()
	h.Run("ip", "link", "add", "outside", "type", "veth", "peer", "name", "far")
	h.Run("ip", "addr", "add", "192.0.2.1/24", "dev", "outside")
	h.Run("ip", "link", "set", "outside", "up")
	h.Run("ip", "link", "set", "far", "netns", client.Path)
	client.Run("sh", "-c", "ip addr add 192.0.2.2/24 dev far; ip link set far up")
	var conn net.Conn
	if err := nettest.In(client.Path, func() (err error) {
		conn, err = net.Dial("udp", "192.0.2.1:5353")
		return err
	}); err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	// Connection tracking begins with the first table that needs it.
	other := h.NewSandbox()
	other.MustPre(&native{})
	echoed := func() bool {
		for range 20 {
			conn.SetDeadline(time.Now().Add(100 * time.Millisecond))
			conn.Write([]byte("x")) // fails once for each "connection refused"
			if n, _ := conn.Read(make([]byte, 10)); n > 0 {
				return true
			}
		}
		return false
	}
	if echoed() {
		t.Fatal("an answer without a server")
	}
	s := h.NewSandbox()
	publish(s)
	s.ServeUDP(53)
	if !echoed() {
		t.Error("no answer: packets go where they went before the port was published")
	}
	unpublish(s)
	host, err := net.ListenPacket("udp", ":5353")
	if err != nil {
		t.Fatal(err)
	}
	defer host.Close()
	conn.Write([]byte("x"))
	host.SetReadDeadline(time.Now().Add(5 * time.Second))
	if _, _, err := host.ReadFrom(make([]byte, 10)); err != nil {
		t.Errorf("the host doesn't get the packets afterwards: %v", err)
	}
	other.MustPost(&native{})
}

// TestTableTakenAway detaches after somebody has removed all rules, or the bridge.
func TestTableTakenAway(t *testing.T) {
	for _, command := range [][]string{
		{"nft", "flush", "ruleset"}, {"ip", "link", "delete", bridge.DefaultDevice}, {"rm", "-r", bridge.Dir},
	} {
		h, n := nettest.NewHost(t), &native{Options: bridge.Options{PublishOption: nsnet.PublishOption{Publish: []string{"8080:80"}}}}
		first, second := h.NewSandbox(), h.NewSandbox()
		first.MustPre(n)
		h.Run(command[0], command[1:]...)
		first.MustPost(n)
		h.Lacks("nsrun", `nsr\w+`)
		second.MustPre(n)
		second.Serve(80, "second")
		h.Expect(h.Path, "127.0.0.1:8080", "second")
		second.MustPost(n)
		h.Lacks("nsrun", `nsr\w+`)
	}
}

// TestExplained says in the user's words why a sandbox can't be attached.
func TestExplained(t *testing.T) {
	h := nettest.NewHost(t)
	h.Run("ip", "link", "add", bridge.DefaultDevice, "type", "veth", "peer", "name", "x")
	s := h.NewSandbox()
	_, err := (&native{}).Negotiate(t.Context(), &s.Req.Request)
	const want = "attach to bridge nsrunn0: nsrunn0 exists and is no bridge (veth)"
	if ds := ns.Diagnose(err); len(ds) != 1 || ds[0].Summary != want || ds[0].Hint != "remove it: ip link delete nsrunn0" {
		t.Errorf("got %+v", ds)
	}
	h.Run("ip", "link", "delete", bridge.DefaultDevice)
	s.Req.Paths = map[ns.Kind]string{ns.Net: "/nowhere"}
	_, err = s.Pre(&native{})
	if err == nil || !strings.Contains(err.Error(), "open network namespace: open /nowhere: no such file or directory") {
		t.Errorf("got %v", err)
	}
	s.MustPost(&native{})
	h.Lacks("nsrun", `nsr\w+`)
}

// TestDiskFull attaches where the files have no room, later each time.
func TestDiskFull(t *testing.T) {
	h := nettest.NewHost(t)
	failed, attached := 0, 0
	for inodes := 1; attached == 0; inodes++ {
		if err := os.MkdirAll(bridge.Dir, 0o700); err != nil {
			t.Fatal(err)
		}
		h.Run("mount", "-t", "tmpfs", "-o", fmt.Sprintf("nr_inodes=%d", inodes), "full", bridge.Dir)
		s := h.NewSandbox()
		_, err := s.Pre(&native{})
		switch {
		case err == nil:
			attached++
		case !strings.Contains(err.Error(), "no space left on device"):
			t.Errorf("%d inodes: %v", inodes, err)
		default:
			failed++
		}
		if err := s.Post(&native{}); err != nil {
			t.Errorf("%d inodes: detach: %v", inodes, err)
		}
		h.Lacks(s.ID, `nsrunn?\w*`, `nsrv\w*`)
		h.Run("umount", bridge.Dir)
	}
	if failed < 3 {
		t.Errorf("%d attempts failed", failed)
	}
}
