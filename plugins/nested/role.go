// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os"
)

// The roles that this program has beside the plugin's. Each is a process of its own,
// and the first argument that it is started with.
//
//	PreExec ─ keeper ─┬─ network   in the user's namespaces: bridge, rules, forwarding
//	   │              └─ pasta     on the host, connected to network's namespaces
//	   └─ box                      in the sandbox's namespaces, for a moment
//	Check ─── tables               in namespaces such as network's, for a moment
const (
	keeperRole  = "keeper"
	networkRole = "network"
	boxRole     = "box"
	tablesRole  = "tables"
)

// playRole plays the role that this process was started for, and exits; it returns if
// that is none. Nobody but this program starts it with such arguments.
func playRole() {
	if len(os.Args) != 3 {
		return
	}
	var play func(argument string) error
	switch os.Args[1] {
	case keeperRole:
		play = keep
	case networkRole:
		play = serveNetwork
	case boxRole:
		play = equip
	case tablesRole:
		play = lookForTables
	default:
		return
	}
	if err := play(os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}
