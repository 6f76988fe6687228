// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"net"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/nsrun/nsrun/nsplugin/nsnet"
)

// mendBridge gives the network's bridge a hardware address if it has none. The kernel
// takes it away with the last interface, from a bridge that was never told one, as
// after an attach that failed before that; and CNI's bridge plugin tells a bridge the
// address that it has, which the kernel refuses if it is all zeros. If this fails,
// attaching will say so.
func (w *wish) mendBridge() {
	link, err := net.InterfaceByName(w.bridgeDevice())
	if err == nil && len(link.HardwareAddr) == 0 { // which is how package net has all zeros
		_ = setHardwareAddr(link.Name, nsnet.RandomMAC())
	}
}

// hardwareRequest is an ifreq with a hardware address; netdevice(7).
type hardwareRequest struct {
	name   [unix.IFNAMSIZ]byte
	family uint16
	addr   [22]byte
}

// setHardwareAddr sets the hardware address of an interface.
func setHardwareAddr(name string, addr net.HardwareAddr) error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("make a socket: %w", err)
	}
	defer unix.Close(fd)
	req := hardwareRequest{family: unix.ARPHRD_ETHER}
	copy(req.name[:unix.IFNAMSIZ-1], name)
	copy(req.addr[:], addr)
	if _, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), unix.SIOCSIFHWADDR, uintptr(unsafe.Pointer(&req))); errno != 0 {
		return fmt.Errorf("set hardware address of %s to %s: %w", name, addr, errno)
	}
	return nil
}
