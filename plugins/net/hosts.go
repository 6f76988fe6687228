// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os"
	"regexp"
	"strings"
)

// hostGateway is the name by which a sandbox finds the host.
const hostGateway = "host.nsrun.internal"

// hostName is what can stand as a name in hosts(5).
var hostName = regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9.-]{0,62}$`)

// hostsFile returns the sandbox's hosts(5): what the host's file says, the
// sandbox's own name and addresses, and the host as the sandbox sees it.
func hostsFile(hostFile string, name string, addresses, gateways []string) string {
	var b strings.Builder
	text, err := os.ReadFile(hostFile)
	if err != nil {
		text = []byte("127.0.0.1\tlocalhost\n::1\tlocalhost\n")
	}
	b.Write(text)
	if len(text) > 0 && text[len(text)-1] != '\n' {
		b.WriteByte('\n')
	}
	if hostName.MatchString(name) {
		for _, a := range addresses {
			fmt.Fprintf(&b, "%s\t%s\n", a, name)
		}
	}
	for _, g := range gateways {
		fmt.Fprintf(&b, "%s\t%s\n", g, hostGateway)
	}
	return b.String()
}
