// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os"
	"regexp"
	"strings"

	"github.com/nsrun/nsrun/ns"
)

// hostGateway is the name by which a sandbox finds the host.
const hostGateway = "host.nsrun.internal"

// hostName is what can stand as a name in hosts(5).
var hostName = regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9.-]{0,62}$`)

// hosts is what a sandbox's hosts(5) says beside what the host's says.
type hosts struct {
	name      string // of the sandbox
	addresses []string
	gateways  []string // the host as the sandbox sees it
}

// file returns the whole file, which begins with the host's own, base. It reports
// false if base is larger than a step can carry, and is left out.
func (h hosts) file(base string) (text string, whole bool) {
	const short = "127.0.0.1\tlocalhost\n::1\tlocalhost\n"
	raw, err := os.ReadFile(base)
	if err != nil {
		return short + h.lines(), true
	}
	begin := strings.ToValidUTF8(string(raw), "?")
	if begin != "" && !strings.HasSuffix(begin, "\n") {
		begin += "\n"
	}
	if text = begin + h.lines(); len(text) > ns.MaxString {
		return short + h.lines(), false
	}
	return text, true
}

// lines are the sandbox's own lines.
func (h hosts) lines() string {
	var b strings.Builder
	if hostName.MatchString(h.name) {
		for _, a := range h.addresses {
			fmt.Fprintf(&b, "%s\t%s\n", a, h.name)
		}
	}
	for _, g := range h.gateways {
		fmt.Fprintf(&b, "%s\t%s\n", g, hostGateway)
	}
	return b.String()
}
