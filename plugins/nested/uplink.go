// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"

	"github.com/nsrun/nsrun/nsplugin/helper"
	"github.com/nsrun/nsrun/nsplugin/nsnet"
)

// uplinkDevice is the interface of the network by which its sandboxes reach others.
const uplinkDevice = "up0"

// defaultMTU is that of the uplink, and of the sandboxes without --mtu: what a program
// handles at once, eight times the throughput of 1500.
const defaultMTU = 65520

// uplink is the program that connects a user's network to the host's.
type uplink struct {
	// Servers are name servers by which the host's own can be reached where they
	// listen on its loopback only.
	Servers []netip.Addr

	program   string // path
	arguments func(pid int) []string
}

// The programs that can be uplinks.
var (
	pasta = helper.Program{Name: "pasta", Package: "passt"}
	slirp = helper.Program{Name: "slirp4netns", Package: "slirp4netns"}
)

// findUplink returns pasta if it is there, and else slirp4netns.
func findUplink() (uplink, error) {
	path, err := pasta.Find()
	if err == nil {
		return uplink{program: path, arguments: pastaArguments, Servers: []netip.Addr{netip.MustParseAddr(pastaDNS)}}, nil
	}
	path, err2 := slirp.Find()
	if err2 == nil {
		return uplink{program: path, arguments: slirpArguments, Servers: []netip.Addr{netip.MustParseAddr("10.0.2.3")}}, nil
	}
	return uplink{}, errors.Join(err, err2)
}

// checkUplink returns an error if there can be no uplink.
func checkUplink() error {
	_, err := findUplink()
	return errors.Join(err, nsnet.CheckTun("net=nested"))
}

// start starts the uplink of the namespaces of process pid, and waits until it works.
func (u uplink) start(h home, pid int) (*exec.Cmd, error) {
	// passt(1) is one program, which is pasta if its first argument says so.
	cmd := command(u.program, h.title(filepath.Base(u.program)), u.arguments(pid)...)
	return cmd, startReady(cmd, u.program)
}

// What pasta is told of itself: link-local addresses, which no route of the host's
// leads to, so that all of the host's own can be reached.
const (
	pastaAddress = "169.254.178.2"
	pastaGateway = "169.254.178.1"
	pastaDNS     = "169.254.1.1"
)

// pastaArguments has pasta make the interface, forward no port by itself and keep the
// host's loopback closed.
func pastaArguments(pid int) []string {
	of := "/proc/" + strconv.Itoa(pid) + "/ns/"
	args := []string{
		"--foreground", "--pid", "/proc/self/fd/1",
		"--config-net", "--ns-ifname", uplinkDevice, "--no-map-gw", "--mtu", strconv.Itoa(defaultMTU),
		"--address", pastaAddress, "--netmask", "30", "--gateway", pastaGateway, "--dns-forward", pastaDNS,
		"--tcp-ports", "none", "--udp-ports", "none", "--tcp-ns", "none", "--udp-ns", "none",
		"--userns", of + "user", "--netns", of + "net",
	}
	if os.Geteuid() == 0 {
		args = append(args, "--runas", "0") // as nobody, which it becomes else, it can't join them
	}
	return args
}

// slirpArguments does the same for slirp4netns.
func slirpArguments(pid int) []string {
	return []string{
		"--configure", "--mtu=" + strconv.Itoa(defaultMTU), "--enable-ipv6", "--disable-host-loopback",
		"--enable-sandbox", "--enable-seccomp", "--ready-fd=1", strconv.Itoa(pid), uplinkDevice,
	}
}
