// SPDX-License-Identifier: Apache-2.0

package nsnet

import (
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"github.com/nsrun/nsrun/nsplugin"
)

// maxMappings bounds what ranges can expand to: each mapping is at least one
// rule in the kernel.
const maxMappings = 1024

// PublishOption is the option --publish.
type PublishOption struct {
	Publish []string `option:"publish" short:"p" args:"[IP:]HOST:PORT[/PROTO]" help:"make a port of the sandbox a port of the host"`
}

// Mapping is one published port. Its JSON is what the CNI capability portMappings
// takes.
type Mapping struct {
	// HostIP is the host's address, the zero Addr for all of them.
	HostIP netip.Addr `json:"hostIP,omitzero"`
	// HostPort and Port are the numbers on the host and in the sandbox.
	HostPort int `json:"hostPort"`
	Port     int `json:"containerPort"`
	// Protocol is tcp, udp or sctp.
	Protocol string `json:"protocol"`
}

// Ports reads the option. A range becomes one mapping for each port. The error
// joins a diagnostic for each value that is wrong or excludes another.
func (o PublishOption) Ports() ([]Mapping, error) {
	ports, faults := publishAll(o.Publish)
	var errs []error
	for _, err := range faults {
		errs = append(errs, nsplugin.Errorf("%w", err).WithOption("publish").
			WithHint("--publish [IP:]HOST:PORT[/PROTO], as in 8080:80, 127.0.0.1:8080:80 or 8000-8010:80-90/udp"))
	}
	return ports, errors.Join(errs...)
}

// CheckRouted returns an error for each of ports that a backend can't publish if
// it changes the destination of packets: the kernel doesn't route those from ::1,
// while IPv4 has route_localnet for that; ip-sysctl(5).
func CheckRouted(ports []Mapping) error {
	var errs []error
	for _, m := range ports {
		if m.HostIP.Is6() && m.HostIP.IsLoopback() {
			errs = append(errs, nsplugin.Errorf("publish %s: the kernel doesn't route packets from ::1", m).WithOption("publish").
				WithHint(fmt.Sprintf("--publish 127.0.0.1:%d:%d/%s", m.HostPort, m.Port, m.Protocol)))
		}
	}
	return errors.Join(errs...)
}

// PortsText lists mappings, for the results of a hook.
func PortsText(ports []Mapping) string {
	texts := make([]string, len(ports))
	for i, m := range ports {
		texts[i] = m.String()
	}
	return strings.Join(texts, " ")
}

// String returns the mapping as a user would read it.
func (m Mapping) String() string {
	return fmt.Sprintf("%s->%d/%s", m.host(), m.Port, m.Protocol)
}

// host is the host's end of the mapping: ADDRESS:PORT, or just the port.
func (m Mapping) host() string {
	if !m.HostIP.IsValid() {
		return strconv.Itoa(m.HostPort)
	}
	return netip.AddrPortFrom(m.HostIP, uint16(m.HostPort)).String()
}

// SameHost reports whether m and o have the same end on the host.
func (m Mapping) SameHost(o Mapping) bool {
	return m.Protocol == o.Protocol && m.HostPort == o.HostPort && m.HostIP == o.HostIP
}

// overlaps reports whether m and o would catch the same packets.
func (m Mapping) overlaps(o Mapping) bool {
	if m.Protocol != o.Protocol || m.HostPort != o.HostPort {
		return false
	}
	return m.Everywhere() || o.Everywhere() || m.HostIP == o.HostIP
}

// Everywhere reports whether the port is published on all addresses of the host.
func (m Mapping) Everywhere() bool { return !m.HostIP.IsValid() || m.HostIP.IsUnspecified() }

// parsePublish reads [ip:]host:ctr[/proto], where host and ctr can be ranges of
// equal length: 8000-8010:80-90.
func parsePublish(text string) ([]Mapping, error) {
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
	return expand(Mapping{HostIP: ip, Protocol: proto}, h, c), nil
}

// expand returns one mapping for each pair of ports.
func expand(m Mapping, host, ctr portRange) []Mapping {
	all := make([]Mapping, host.count())
	for i := range all {
		m.HostPort, m.Port = host.first+i, ctr.first+i
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
func splitPublish(text string) (ip netip.Addr, host, ctr string, err error) {
	head, ctr, found := cutLast(text)
	if !found {
		return ip, "", "", errors.New("host port missing")
	}
	text, host, found = cutLast(head)
	if !found {
		return ip, head, ctr, nil
	}
	ip, err = netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(text, "["), "]"))
	if err != nil || ip.Is6() != strings.HasPrefix(text, "[") || ip.Zone() != "" {
		return ip, "", "", fmt.Errorf("%q is no IP address", text)
	}
	return ip, host, ctr, nil
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
func publishAll(texts []string) ([]Mapping, []error) {
	var all []Mapping
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
func clash(all, some []Mapping) error {
	for _, m := range some {
		for _, have := range all {
			if m.overlaps(have) {
				return fmt.Errorf("host port %s/%s is published already, as %s", m.host(), m.Protocol, have)
			}
		}
	}
	return nil
}
