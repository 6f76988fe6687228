// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// maxMappings bounds what ranges can expand to: each mapping is at least one
// rule in the kernel.
const maxMappings = 1024

// mapping is one published port, in the form that the CNI capability
// portMappings has.
type mapping struct {
	HostIP        string `json:"hostIP,omitempty"`
	HostPort      int    `json:"hostPort"`
	ContainerPort int    `json:"containerPort"`
	Protocol      string `json:"protocol"`
}

// String returns the mapping as a user would read it.
func (m mapping) String() string {
	return fmt.Sprintf("%s->%d/%s", m.host(), m.ContainerPort, m.Protocol)
}

// host is the host's end of the mapping: ADDRESS:PORT, or just the port.
func (m mapping) host() string {
	if m.HostIP == "" {
		return strconv.Itoa(m.HostPort)
	}
	return netip.AddrPortFrom(m.addr(), uint16(m.HostPort)).String()
}

// addr is the host address, or the zero Addr when there is none.
func (m mapping) addr() netip.Addr {
	a, _ := netip.ParseAddr(m.HostIP)
	return a
}

// overlaps reports whether m and o would catch the same packets.
func (m mapping) overlaps(o mapping) bool {
	if m.Protocol != o.Protocol || m.HostPort != o.HostPort {
		return false
	}
	return anyAddr(m.HostIP) || anyAddr(o.HostIP) || m.addr() == o.addr()
}

// anyAddr reports whether text stands for all addresses of the host.
func anyAddr(text string) bool {
	a, err := netip.ParseAddr(text)
	return err != nil || a.IsUnspecified()
}

// parsePublish reads [ip:]host:ctr[/proto], where host and ctr can be ranges of
// equal length: 8000-8010:80-90.
func parsePublish(text string) ([]mapping, error) {
	ports, proto, err := splitProtocol(text)
	if err != nil {
		return nil, err
	}
	ip, host, ctr, err := splitPublish(ports)
	if err != nil {
		return nil, err
	}
	h, err := parsePorts(host)
	if err != nil {
		return nil, fmt.Errorf("host port %w", err)
	}
	c, err := parsePorts(ctr)
	if err != nil {
		return nil, fmt.Errorf("sandbox port %w", err)
	}
	if h.count() != c.count() {
		return nil, fmt.Errorf("%s has %d ports and %s has %d", host, h.count(), ctr, c.count())
	}
	if h.count() > maxMappings {
		return nil, fmt.Errorf("%d ports, but at most %d can be published", h.count(), maxMappings)
	}
	return expand(mapping{HostIP: ip, Protocol: proto}, h, c), nil
}

// expand returns one mapping for each pair of ports.
func expand(m mapping, host, ctr portRange) []mapping {
	all := make([]mapping, host.count())
	for i := range all {
		m.HostPort, m.ContainerPort = host.first+i, ctr.first+i
		all[i] = m
	}
	return all
}

// splitProtocol takes /proto off the end; tcp without one.
func splitProtocol(text string) (rest, proto string, err error) {
	rest, proto, found := strings.Cut(text, "/")
	if !found {
		return rest, "tcp", nil
	}
	switch proto = strings.ToLower(proto); proto {
	case "tcp", "udp", "sctp":
		return rest, proto, nil
	}
	return "", "", fmt.Errorf("protocol %q is none of tcp, udp, sctp", proto)
}

// splitPublish splits [ip:]host:ctr. An IPv6 address stands in brackets.
func splitPublish(text string) (ip, host, ctr string, err error) {
	head, ctr, found := cutLast(text)
	if !found {
		return "", "", "", errors.New("host port missing")
	}
	ip, host, found = cutLast(head)
	if !found {
		return "", head, ctr, nil
	}
	addr, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(ip, "["), "]"))
	if err != nil || addr.Is6() != strings.HasPrefix(ip, "[") || addr.Zone() != "" {
		return "", "", "", fmt.Errorf("%q is no IP address", ip)
	}
	return addr.String(), host, ctr, nil
}

// cutLast cuts text at its last colon.
func cutLast(text string) (before, after string, found bool) {
	i := strings.LastIndexByte(text, ':')
	if i < 0 {
		return "", text, false
	}
	return text[:i], text[i+1:], true
}

// portRange is the ports first to last.
type portRange struct{ first, last int }

func (r portRange) count() int { return r.last - r.first + 1 }

// parsePorts reads one port or a range A-B.
func parsePorts(text string) (portRange, error) {
	from, to, isRange := strings.Cut(text, "-")
	first, err := parsePort(from)
	if err != nil {
		return portRange{}, err
	}
	if !isRange {
		return portRange{first, first}, nil
	}
	last, err := parsePort(to)
	if err != nil {
		return portRange{}, err
	}
	if last < first {
		return portRange{}, fmt.Errorf("range %s runs backwards", text)
	}
	return portRange{first, last}, nil
}

// parsePort reads a port number.
func parsePort(text string) (int, error) {
	n, err := strconv.ParseUint(text, 10, 16)
	if err != nil || n == 0 {
		return 0, fmt.Errorf("%q is no number from 1 to 65535", text)
	}
	return int(n), nil
}

// publishAll reads every value of --publish, and finds those that exclude each
// other. It returns all problems, not just the first.
func publishAll(texts []string) ([]mapping, []error) {
	var all []mapping
	var errs []error
	for _, text := range texts {
		some, err := parsePublish(text)
		if err != nil {
			errs = append(errs, fmt.Errorf("publish %s: %w", text, err))
			continue
		}
		if err := clash(all, some); err != nil {
			errs = append(errs, fmt.Errorf("publish %s: %w", text, err))
		}
		all = append(all, some...)
	}
	if len(all) > maxMappings {
		errs = append(errs, fmt.Errorf("publish: %d ports, but at most %d can be published", len(all), maxMappings))
	}
	return all, errs
}

// clash returns an error if one of some takes a host port of all.
func clash(all, some []mapping) error {
	for _, m := range some {
		for _, have := range all {
			if m.overlaps(have) {
				return fmt.Errorf("host port %s/%s is published already, as %s", m.host(), m.Protocol, have)
			}
		}
	}
	return nil
}
