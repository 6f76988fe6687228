// SPDX-License-Identifier: Apache-2.0

package nsnet

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParsePublish(t *testing.T) {
	for text, want := range map[string]string{
		"8080:80":               "8080->80/tcp",
		"53:53/udp":             "53->53/udp",
		"53:53/UDP":             "53->53/udp",
		"127.0.0.1:8080:80":     "127.0.0.1:8080->80/tcp",
		"[::1]:8080:80":         "[::1]:8080->80/tcp",
		"0.0.0.0:1:65535/sctp":  "0.0.0.0:1->65535/sctp",
		"8000-8002:80-82":       "8000->80/tcp 8001->81/tcp 8002->82/tcp",
		"127.0.0.1:8-9:8-9/udp": "127.0.0.1:8->8/udp 127.0.0.1:9->9/udp",
	} {
		got, err := parsePublish(text)
		if err != nil || PortsText(got) != want {
			t.Errorf("parsePublish(%q) = %s, %v; want %s", text, PortsText(got), err, want)
		}
	}
}

func TestParsePublishRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"":                  "host port missing",
		"80":                "host port missing",
		"8080:":             `sandbox port "" is no number from 1 to 65535`,
		":80":               `host port "" is no number from 1 to 65535`,
		"0:80":              `host port "0" is no number`,
		"65536:80":          `host port "65536" is no number`,
		"-1:80":             `host port "" is no number`,
		"+1:80":             `host port "+1" is no number`,
		"8080:80/icmp":      `protocol "icmp" is none of tcp, udp, sctp`,
		"8080:80/":          `protocol "" is none of`,
		"localhost:80:80":   `"localhost" is no IP address`,
		"::1:80:80":         `"::1" is no IP address`,
		"[127.0.0.1]:80:80": `"[127.0.0.1]" is no IP address`,
		"[fe80::1%lo]:1:1":  `"[fe80::1%lo]" is no IP address`,
		"8000-8010:80":      "8000-8010 has 11 ports and 80 has 1",
		"8010-8000:10-0":    "range 8010-8000 runs backwards",
		"1-2000:1-2000":     "2000 ports, but at most 1024 can be published",
	} {
		if _, err := parsePublish(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("parsePublish(%q): %v; want %q", text, err, want)
		}
	}
}

func TestPublishAllFindsClashes(t *testing.T) {
	for _, tt := range []struct {
		texts []string
		want  []string
	}{
		{[]string{"80:80", "80:81"}, []string{"publish 80:81: host port 80/tcp is published already, as 80->80/tcp"}},
		{[]string{"80:80", "80:80/udp"}, nil},
		{[]string{"127.0.0.1:80:80", "127.0.0.2:80:80"}, nil},
		{[]string{"127.0.0.1:80:80", "80:81"}, []string{"publish 80:81: host port 80/tcp is published already, as 127.0.0.1:80->80/tcp"}},
		{[]string{"0.0.0.0:80:80", "127.0.0.1:80:81"}, []string{"publish 127.0.0.1:80:81: host port 127.0.0.1:80/tcp is published already, as 0.0.0.0:80->80/tcp"}},
		{[]string{"x", "80:y"}, []string{"publish x: host port missing", `publish 80:y: sandbox port "y" is no number from 1 to 65535`}},
	} {
		_, errs := publishAll(tt.texts)
		var got []string
		for _, err := range errs {
			got = append(got, err.Error())
		}
		if d := cmp.Diff(tt.want, got); d != "" {
			t.Errorf("publishAll(%q):\n%s", tt.texts, d)
		}
	}
}

func FuzzParsePublish(f *testing.F) {
	f.Add("127.0.0.1:8000-8010:80-90/udp")
	f.Add("[::1]:1:1")
	f.Fuzz(func(t *testing.T, text string) {
		ports, err := parsePublish(text)
		if err == nil && (len(ports) == 0 || len(ports) > maxMappings) {
			t.Errorf("%q: %d ports", text, len(ports))
		}
		for _, m := range ports {
			if m.HostPort < 1 || m.HostPort > 65535 || m.Port < 1 || m.Port > 65535 {
				t.Errorf("%q: %v", text, m)
			}
		}
	})
}
