// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/nsrun/nsrun/ns"
	"github.com/nsrun/nsrun/nsplugin/nsnet"
	"github.com/nsrun/nsrun/nsplugin/nsnet/nettest"
	"github.com/nsrun/nsrun/nsplugin/nstest"
)

var visitor = ns.Facts{UID: 1000, GID: 1000, Dir: "/"}

func setting(option, value string) ns.Setting {
	return ns.Setting{Option: option, Args: []string{value}}
}

func TestConformance(t *testing.T) {
	nettest.Need(t, checkUplink())
	nstest.Test(t, &nested{},
		nstest.Case{Name: "everything", Facts: visitor, Kinds: []ns.Kind{ns.User, ns.Mount}, Settings: []ns.Setting{
			setting("publish", "127.0.0.1:18481:80"), setting("mtu", "1400"), setting("mac", "02:00:5e:10:00:01"), setting("ip", "10.178.0.9"),
			setting("bandwidth", "1mbit"), setting("isolate", "true"), setting("dns", "192.0.2.53"),
		}},
		nstest.Case{Name: "sctp", Facts: visitor, Settings: []ns.Setting{setting("publish", "18482:80/sctp")}, Refused: "tcp and udp only"},
		nstest.Case{Name: "two addresses", Facts: visitor, Settings: []ns.Setting{setting("ip", "10.178.0.9"), setting("ip", "10.178.0.10")}, Refused: "one address of each family"},
		nstest.Case{Name: "elsewhere", Facts: visitor, Settings: []ns.Setting{setting("ip", "10.1.0.9")}, Refused: "--subnet"},
	)
}

// TestHome puts the directory beside that of the runs, and gives each user and
// directory titles of their own.
func TestHome(t *testing.T) {
	h := homeOf(&ns.HookRequest{RunID: "abc", StateDir: "/run/user/7/nsrun/runs/abc/state/nested"})
	if h != "/run/user/7/nsrun/nested" {
		t.Errorf("got %s", h)
	}
	if other := home("/tmp/nsrun-7/nested"); other.id() == h.id() || len(h.id()) > 24 {
		t.Errorf("ids %s and %s", h.id(), other.id())
	}
}

// TestLockIsTakenAnew has somebody wait for the lock of a network that ends: he gets
// that of the next one, not of a file that is gone.
func TestLockIsTakenAnew(t *testing.T) {
	h := home(filepath.Join(t.TempDir(), "nested"))
	unlock, err := h.lock()
	if err != nil {
		t.Fatal(err)
	}
	second := make(chan error)
	go func() {
		again, err := h.lock()
		if err == nil {
			defer again()
			if _, e := os.Stat(h.file("lock")); e != nil {
				err = e
			}
		}
		second <- err
	}()
	awaitOpen(t, h.file("lock"), 2)
	if err := errors.Join(os.Remove(h.file("lock")), os.Remove(string(h))); err != nil {
		t.Fatal(err)
	}
	unlock()
	if err := <-second; err != nil {
		t.Error(err)
	}
}

// awaitOpen waits until this process has a file open so many times.
func awaitOpen(t *testing.T, path string, times int) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(time.Millisecond) {
		count := 0
		fds, _ := filepath.Glob("/proc/self/fd/*")
		for _, fd := range fds {
			if to, err := os.Readlink(fd); err == nil && to == path {
				count++
			}
		}
		if count == times {
			return
		}
	}
	t.Fatalf("%s is not open %d times", path, times)
}

// TestPortsAreForwarded passes a published port's socket on and talks by it, TCP and UDP.
func TestPortsAreForwarded(t *testing.T) {
	echo, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer echo.Close()
	go func() {
		for {
			conn, err := echo.Accept()
			if err != nil {
				return
			}
			go func() { defer conn.Close(); io.Copy(conn, conn) }()
		}
	}()
	target := echo.Addr().(*net.TCPAddr)
	datagrams, err := net.ListenUDP("udp", &net.UDPAddr{IP: target.IP, Port: target.Port})
	if err != nil {
		t.Fatal(err)
	}
	defer datagrams.Close()
	go func() {
		b := make([]byte, 100)
		for {
			n, from, err := datagrams.ReadFromUDP(b)
			if err != nil {
				return
			}
			datagrams.WriteToUDP(b[:n], from)
		}
	}()
	for _, protocol := range []string{"tcp", "udp"} {
		m := nsnet.Mapping{HostIP: netip.MustParseAddr("127.0.0.1"), Port: target.Port, Protocol: protocol}
		files, err := openPorts([]nsnet.Mapping{m})
		if err != nil {
			t.Fatal(err)
		}
		p := &place{address: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/8")}}
		if err := p.forward([]nsnet.Mapping{m}, files); err != nil {
			t.Fatal(err)
		}
		if got := talk(t, protocol, addressOf(p.forwards[0])); got != "hello" {
			t.Errorf("%s: got %q", protocol, got)
		}
		p.forwards[0].close()
	}
}

// addressOf returns the address of a forward's socket on the host.
func addressOf(f *forward) string {
	if l, ok := f.socket.(net.Listener); ok {
		return l.Addr().String()
	}
	return f.socket.(net.PacketConn).LocalAddr().String()
}

// talk says hello and returns the answer.
func talk(t *testing.T, protocol, address string) string {
	t.Helper()
	conn, err := net.Dial(protocol, address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(30 * time.Second))
	if _, err := conn.Write([]byte("hello")); err != nil {
		t.Fatal(err)
	}
	answer := make([]byte, 5)
	n, _ := io.ReadFull(conn, answer)
	return string(answer[:n])
}

// TestTooManyPorts refuses more than can be passed on.
func TestTooManyPorts(t *testing.T) {
	_, err := openPorts(make([]nsnet.Mapping, maxFiles))
	if err == nil || !strings.Contains(err.Error(), "252 can be published at most") {
		t.Errorf("got %v", err)
	}
}

// TestUplinkArguments keeps every way to the host's loopback closed.
func TestUplinkArguments(t *testing.T) {
	for _, want := range []string{"--no-map-gw", "--tcp-ports none", "--udp-ports none", "--tcp-ns none", "--udp-ns none", "--netns /proc/7/ns/net"} {
		if got := strings.Join(pastaArguments(7), " "); !strings.Contains(got, want) {
			t.Errorf("pasta: %s is missing in %s", want, got)
		}
	}
	for _, want := range []string{"--disable-host-loopback", "--enable-sandbox", "--enable-seccomp", " 7 up0"} {
		if got := strings.Join(slirpArguments(7), " "); !strings.Contains(got, want) {
			t.Errorf("slirp4netns: %s is missing in %s", want, got)
		}
	}
}

// TestLostNetworkIsTold detaches a run whose network is gone without a word.
func TestLostNetworkIsTold(t *testing.T) {
	req := &ns.HookRequest{RunID: "lost", StateDir: t.TempDir(), State: []byte("network")}
	h := homeOf(req)
	if err := os.Mkdir(string(h), 0o700); err != nil {
		t.Fatal(err)
	}
	listener, err := net.ListenUnix("unixpacket", h.address())
	if err != nil {
		t.Fatal(err)
	}
	listener.SetUnlinkOnClose(false)
	listener.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	err = detach(ctx, req)
	var d *ns.Diagnostic
	if !errors.As(err, &d) || d.Severity != ns.Warning || !strings.Contains(d.Summary, "lost the network") {
		t.Errorf("got %v", err)
	}
	if _, err := os.Stat(string(h)); !os.IsNotExist(err) {
		t.Errorf("the directory is left: %v", err)
	}
	if err := detach(ctx, req); err != nil {
		t.Errorf("again: %v", err)
	}
}

// TestEnter starts this program in the namespaces of another process, and tells why
// that fails where it does.
func TestEnter(t *testing.T) {
	cmd := exec.Command("unshare", "--user", "--net", "--map-root-user", "sleep", "60")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }()
	dir := "/proc/" + strconv.Itoa(cmd.Process.Pid) + "/ns/"
	mine, _ := os.Readlink("/proc/self/ns/user")
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		maps, _ := os.ReadFile("/proc/" + strconv.Itoa(cmd.Process.Pid) + "/uid_map")
		if theirs, err := os.Readlink(dir + "user"); err == nil && theirs != mine && strings.Count(string(maps), "\n") == 1 {
			break
		}
		if time.Now().After(end) {
			nettest.Need(t, errors.New("user namespaces can't be made"))
		}
	}
	nettest.Need(t, nsnet.CheckTun("net=nested"))
	req := &ns.HookRequest{RunID: "enter", Paths: map[ns.Kind]string{ns.User: dir + "user", ns.Net: dir + "net"}}
	wanted := box{Addresses: []netip.Prefix{netip.MustParsePrefix("10.178.0.9/16")}, MAC: net.HardwareAddr{2, 0, 0, 0, 0, 7}, MTU: 1400}
	tap, mac, err := equipBox(req, wanted)
	if err != nil {
		t.Fatal(err)
	}
	defer tap.Close()
	if mac.String() != wanted.MAC.String() {
		t.Errorf("hardware address %s", mac)
	}
	out, err := exec.Command("nsenter", "--user", "--net", "--preserve-credentials", "--target", strconv.Itoa(cmd.Process.Pid), "ip", "-br", "addr", "show", "eth0").Output()
	if err != nil || !strings.Contains(string(out), "10.178.0.9/16") {
		t.Errorf("ip addr: %s, %v", out, err)
	}
	if _, _, err := equipBox(req, wanted); err == nil || !strings.Contains(err.Error(), "add interface eth0 of type tap") {
		t.Errorf("a second interface: %v", err)
	}
	req.Paths[ns.User] = dir + "net"
	if _, _, err := equipBox(req, wanted); err == nil || !strings.Contains(err.Error(), "enter the sandbox's namespaces: invalid argument") {
		t.Errorf("no user namespace: %v", err)
	}
}

func TestMain(m *testing.M) {
	playRole()
	os.Exit(m.Run())
}

// TestTheEndIsToldFromALoss asks after a network to which nobody listens any more, while
// its keeper still lives, and after one whose keeper said something else last.
func TestTheEndIsToldFromALoss(t *testing.T) {
	for log, ended := range map[string]bool{
		"":                          false,
		"signal: killed\n":          false,
		farewell + "\n":             true,
		farewell + "\n1\n2\n3\n4\n": true,
	} {
		h := home(t.TempDir())
		if err := os.WriteFile(h.file(keeperRole+".log"), []byte(log), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := h.markAlive(); err != nil {
			t.Fatal(err)
		}
		if got := h.endedByItself(); got != ended {
			t.Errorf("%q: ended by itself %v, want %v", log, got, ended)
		}
	}
}
