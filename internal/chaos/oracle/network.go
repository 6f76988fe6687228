// SPDX-License-Identifier: Apache-2.0

package oracle

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
)

// links returns the interfaces of the network namespace, and their addresses.
func links(Scope) ([]Thing, error) {
	all, err := net.Interfaces()
	var list []Thing
	for _, i := range all {
		list = append(list, Thing{Link, i.Name})
		addrs, err := i.Addrs()
		if err != nil {
			continue // gone since
		}
		for _, a := range addrs {
			list = append(list, Thing{Address, i.Name + " " + a.String()})
		}
	}
	return list, err
}

// routes returns the routes by destination and interface; proc_pid_net(5).
func routes(Scope) ([]Thing, error) {
	v4, err := os.ReadFile("/proc/self/net/route")
	if err != nil {
		return nil, err
	}
	var list []Thing
	for _, line := range lines(string(v4))[1:] {
		if f := strings.Fields(line); len(f) > 7 {
			list = append(list, Thing{Route, fmt.Sprintf("%s/%s via %s dev %s", dotted(f[1]), dotted(f[7]), dotted(f[2]), f[0])})
		}
	}
	v6, err := os.ReadFile("/proc/self/net/ipv6_route")
	if err != nil && !os.IsNotExist(err) {
		return nil, err
	}
	for _, line := range lines(string(v6)) {
		if f := strings.Fields(line); len(f) > 9 {
			list = append(list, Thing{Route, fmt.Sprintf("%s/%s via %s dev %s", f[0], f[1], f[4], f[9])})
		}
	}
	return list, nil
}

// dotted returns an IPv4 address that is written as a hexadecimal number of the
// machine's own byte order.
func dotted(hex string) string {
	n, err := strconv.ParseUint(hex, 16, 32)
	if err != nil {
		return hex
	}
	var b [4]byte
	binary.NativeEndian.PutUint32(b[:], uint32(n))
	return net.IP(b[:]).String()
}

// rules returns the nftables ruleset without counters, each line with the blocks
// that it stands in. Rules of iptables-nft(8) are among them.
func rules(Scope) ([]Thing, error) {
	out, err := output("nft", "-s", "list", "ruleset")
	if err != nil {
		return nil, err
	}
	var list []Thing
	var blocks []string
	for _, line := range lines(out) {
		switch {
		case strings.HasSuffix(line, "{"):
			blocks = append(blocks, strings.TrimSuffix(line, " {"))
		case line == "}":
			blocks = blocks[:max(0, len(blocks)-1)]
			continue
		}
		list = append(list, Thing{NFT, strings.Join(blocks, "/") + ": " + strings.TrimSuffix(line, " {")})
	}
	return list, nil
}

// legacyRules returns the rules of the older iptables, which nft(8) doesn't see.
// Its programs make the tables that they print, so they are asked only for those
// that there are.
func legacyRules(Scope) ([]Thing, error) {
	var list []Thing
	for family, program := range map[string]string{"ip": "iptables-legacy-save", "ip6": "ip6tables-legacy-save"} {
		tables, err := os.ReadFile("/proc/self/net/" + family + "_tables_names")
		if err != nil && !os.IsNotExist(err) {
			return nil, err
		}
		for _, table := range lines(string(tables)) {
			out, err := output(program, "-t", table)
			if err != nil {
				return nil, err
			}
			for _, line := range lines(out) {
				if strings.HasPrefix(line, "-A") {
					list = append(list, Thing{Iptables, fmt.Sprintf("%s %s %s", program, table, line)})
				}
			}
		}
	}
	return list, nil
}

// output returns what a program prints.
func output(argv ...string) (string, error) {
	var stderr bytes.Buffer
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%s: %w\n%s", strings.Join(argv, " "), err, &stderr)
	}
	return string(out), nil
}

// lines returns the lines of text that aren't empty, without the white space
// around them.
func lines(text string) []string {
	var list []string
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" {
			list = append(list, line)
		}
	}
	return list
}

// listening are the states of sockets that stay: TCP_LISTEN, and the TCP_CLOSE
// that an unconnected UDP socket shows; proc_pid_net(5).
var listening = map[string]string{"tcp": "0A", "tcp6": "0A", "udp": "07", "udp6": "07"}

// sockets returns the sockets that wait for somebody: bound unix sockets, and
// TCP and UDP ports.
func sockets(Scope) ([]Thing, error) {
	text, err := os.ReadFile("/proc/self/net/unix")
	if err != nil {
		return nil, err
	}
	var list []Thing
	for line := range strings.Lines(string(text)) {
		// Accepted connections have the listener's name; flags tell it apart.
		if f := strings.Fields(line); len(f) == 8 && f[3] == "00010000" {
			list = append(list, Thing{Socket, "unix " + f[7]})
		}
	}
	for table, state := range listening {
		text, err := os.ReadFile("/proc/self/net/" + table)
		if err != nil && !os.IsNotExist(err) {
			return nil, err
		}
		for _, line := range lines(string(text)) {
			if f := strings.Fields(line); len(f) > 3 && f[3] == state {
				list = append(list, Thing{Socket, table + " " + port(f[1])})
			}
		}
	}
	return list, nil
}

// port returns a local address of proc_pid_net(5) with its port in decimal.
func port(local string) string {
	addr, hex, _ := strings.Cut(local, ":")
	n, err := strconv.ParseUint(hex, 16, 16)
	if err != nil {
		return local
	}
	return fmt.Sprintf("%s:%d", addr, n)
}
