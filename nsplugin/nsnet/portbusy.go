// SPDX-License-Identifier: Apache-2.0

package nsnet

import (
	"bufio"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/nsrun/nsrun/nsplugin"
)

// CheckFree returns an error for each of ports that something on the host has: a
// process, or another run. It looks, and changes nothing.
func CheckFree(ports []Mapping) error {
	return errors.Join(checkPorts(ports), HostPorts.Check(ports))
}

// checkPorts returns an error for each of ports that a process of the host has, or
// whose address the host doesn't have. It looks, and changes nothing.
func checkPorts(ports []Mapping) error {
	var errs []error
	for _, m := range ports {
		if problem, hint := portProblem(m); problem != "" {
			errs = append(errs, nsplugin.Errorf("publish %s: %s", m, problem).WithOption("publish").WithHint(hint))
		}
	}
	return errors.Join(errs...)
}

// probePort returns an error if a process of the host has the host port of m, or
// if the host doesn't have its address. It never listens, so that it takes no
// connection and two runs that probe at the same time don't see each other.
func probePort(m Mapping) error {
	typ := unix.SOCK_STREAM
	switch m.Protocol {
	case "udp":
		typ = unix.SOCK_DGRAM
	case "sctp":
		return nil // a kernel without SCTP can't be asked
	}
	family, sa := socketAddress(m)
	fd, err := unix.Socket(family, typ|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("socket: %w", err)
	}
	defer unix.Close(fd)
	if typ == unix.SOCK_STREAM {
		// socket(7): with SO_REUSEADDR only a listening socket is in the way, and
		// not connections in TIME_WAIT.
		if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1); err != nil {
			return fmt.Errorf("setsockopt SO_REUSEADDR: %w", err)
		}
	}
	return unix.Bind(fd, sa)
}

// socketAddress is the host's end of m for bind(2).
func socketAddress(m Mapping) (family int, sa unix.Sockaddr) {
	if a := m.HostIP; a.Is6() {
		return unix.AF_INET6, &unix.SockaddrInet6{Port: m.HostPort, Addr: a.As16()}
	}
	v4 := &unix.SockaddrInet4{Port: m.HostPort}
	if a := m.HostIP; a.Is4() {
		v4.Addr = a.As4()
	}
	return unix.AF_INET, v4
}

// portProblem says in a user's words why m can't be published, or "".
func portProblem(m Mapping) (problem, hint string) {
	err := probePort(m)
	switch {
	case err == nil, errors.Is(err, unix.EAFNOSUPPORT):
		return "", ""
	case errors.Is(err, unix.EADDRINUSE):
		return "the port is in use" + portOwner(m), fmt.Sprintf("another host port: --publish %d:%d/%s", m.HostPort+1, m.Port, m.Protocol)
	case errors.Is(err, unix.EADDRNOTAVAIL):
		return "no interface of this host has the address " + m.HostIP.String(), "an address that `ip addr` shows, or none for all of them"
	}
	return err.Error(), ""
}

// portOwner names the process that has the host port of m: " by nginx (pid 812)",
// or "" if that can't be seen.
func portOwner(m Mapping) string {
	for _, table := range []string{m.Protocol, m.Protocol + "6"} {
		inode := findSocket("/proc/thread-self/net/"+table, m)
		if inode == "" {
			continue
		}
		if pid := findHolder("socket:[" + inode + "]"); pid != "" {
			comm, _ := os.ReadFile(filepath.Join("/proc", pid, "comm"))
			return fmt.Sprintf(" by %s (pid %s)", strings.TrimSpace(string(comm)), pid)
		}
	}
	return ""
}

// findSocket returns the inode of the socket that is in the way of m, from a
// table of proc_net(5), or "".
func findSocket(table string, m Mapping) string {
	f, err := os.Open(table)
	if err != nil {
		return ""
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		fields := strings.Fields(lines.Text())
		if len(fields) > 9 && isOwner(fields, m) {
			return fields[9]
		}
	}
	return ""
}

// isOwner reports whether a line of /proc/net/tcp or udp is a socket that waits
// for packets to the host port of m.
func isOwner(fields []string, m Mapping) bool {
	const listening, unconnected = "0A", "07"
	addr, hexPort, _ := strings.Cut(fields[1], ":")
	port, err := strconv.ParseUint(hexPort, 16, 16)
	if err != nil || int(port) != m.HostPort {
		return false
	}
	if state := fields[3]; state != listening && state != unconnected {
		return false
	}
	have, ok := hexAddr(addr)
	return !ok || have.IsUnspecified() || m.Everywhere() || have.Unmap() == m.HostIP
}

// hexAddr reads an address as /proc/net/tcp has it: 32-bit words in the byte
// order of the machine. Only little-endian ones are understood.
func hexAddr(text string) (netip.Addr, bool) {
	raw := make([]byte, len(text)/2)
	for i := range raw {
		b, err := strconv.ParseUint(text[2*i:2*i+2], 16, 8)
		if err != nil {
			return netip.Addr{}, false
		}
		raw[i/4*4+3-i%4] = byte(b)
	}
	return netip.AddrFromSlice(raw)
}

// findHolder returns the process that has link open, or "".
func findHolder(link string) string {
	fds, _ := filepath.Glob("/proc/[0-9]*/fd/*")
	for _, fd := range fds {
		if to, err := os.Readlink(fd); err == nil && to == link {
			return strings.Split(fd, "/")[2]
		}
	}
	return ""
}
