// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"fmt"
	"net"
	"net/netip"
	"os"
	"syscall"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/nsrun/nsrun/ns"
	"github.com/nsrun/nsrun/nsplugin/nsnet"
	"github.com/nsrun/nsrun/nsplugin/nsnet/bridge"
)

// box is what a sandbox's interface is to be.
type box struct {
	Addresses []netip.Prefix   `json:"addresses"`
	MAC       net.HardwareAddr `json:"mac,omitempty"`
	MTU       int              `json:"mtu"`
}

// equipBox gives the sandbox of req its interface, by a process in its namespaces. It
// returns the other end of the interface, and its hardware address.
func equipBox(req *ns.HookRequest, b box) (*os.File, net.HardwareAddr, error) {
	argument, err := json.Marshal(b)
	if err != nil {
		return nil, nil, fmt.Errorf("encode box: %w", err)
	}
	ours, theirs, err := socketPair()
	if err != nil {
		return nil, nil, err
	}
	defer ours.Close()
	pid, err := startBox(req, theirs, string(argument))
	theirs.Close()
	if err != nil {
		return nil, nil, err
	}
	var a answer
	files, err := receive(ours, &a)
	var status syscall.WaitStatus
	_, _ = syscall.Wait4(pid, &status, 0, nil)
	switch {
	case err != nil && status.ExitStatus() > 0:
		return nil, nil, fmt.Errorf("enter the sandbox's namespaces: %w", syscall.Errno(status.ExitStatus()))
	case err != nil:
		return nil, nil, fmt.Errorf("set up the sandbox's interface: %w", err)
	case len(a.Errors) > 0 || len(files) != 1:
		closeAll(files)
		return nil, nil, a.err()
	}
	return files[0], a.MAC, nil
}

// startBox starts the process, with output as its standard output.
func startBox(req *ns.HookRequest, output *os.File, argument string) (pid int, err error) {
	user, err := os.Open(req.Paths[ns.User])
	if err != nil {
		return 0, fmt.Errorf("open user namespace: %w", err)
	}
	defer user.Close()
	netns, err := os.Open(req.Paths[ns.Net])
	if err != nil {
		return 0, fmt.Errorf("open network namespace: %w", err)
	}
	defer netns.Close()
	return enter(user, netns, output, "nsrun/"+req.RunID+"/"+boxRole, boxRole, argument)
}

// socketPair returns the ends of a Unix socket, one for this process and one to be
// handed on.
func socketPair() (ours *net.UnixConn, theirs *os.File, err error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, fmt.Errorf("make a socket: %w", err)
	}
	mine := os.NewFile(uintptr(fds[0]), "socket")
	defer mine.Close()
	conn, err := net.FileConn(mine)
	if err != nil {
		unix.Close(fds[1])
		return nil, nil, fmt.Errorf("make a socket: %w", err)
	}
	return conn.(*net.UnixConn), os.NewFile(uintptr(fds[1]), "socket"), nil
}

// equip is the role of the process in a sandbox's namespaces. It makes the interface
// and sends its other end to standard output.
func equip(argument string) error {
	conn, err := net.FileConn(os.NewFile(1, "socket"))
	if err != nil {
		return fmt.Errorf("open socket: %w", err)
	}
	socket := conn.(*net.UnixConn)
	var b box
	if err := json.Unmarshal([]byte(argument), &b); err != nil {
		return fmt.Errorf("read argument: %w", err)
	}
	tap, mac, err := b.make()
	if err != nil {
		return send(socket, answer{Errors: ns.Diagnose(err)})
	}
	return send(socket, answer{MAC: mac}, tap)
}

// make makes the interface of this process's network namespace.
func (b box) make() (*os.File, net.HardwareAddr, error) {
	tap, err := openTap(nsnet.Interface)
	if err != nil {
		return nil, nil, err
	}
	if err := setLink(nsnet.Interface, b.MAC, b.MTU); err != nil {
		return nil, nil, err
	}
	mac, err := bridge.Configure("/proc/self/ns/net", b.Addresses)
	return tap, mac, err
}

// setLink sets an interface's hardware address, unless that is nil, and its MTU.
func setLink(name string, mac net.HardwareAddr, mtu int) error {
	link, err := netlink.LinkByName(name)
	if err != nil {
		return fmt.Errorf("find interface %s: %w", name, err)
	}
	if err := netlink.LinkSetMTU(link, mtu); err != nil {
		return fmt.Errorf("set MTU of interface %s to %d: %w", name, mtu, err)
	}
	if mac == nil {
		return nil
	}
	if err := netlink.LinkSetHardwareAddr(link, mac); err != nil {
		return fmt.Errorf("set hardware address of interface %s to %s: %w", name, mac, err)
	}
	return nil
}
