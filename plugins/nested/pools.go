// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"

	"github.com/nsrun/nsrun/nsplugin/nsnet"
	"github.com/nsrun/nsrun/nsplugin/nsnet/bridge"
)

// checkPools tells of the addresses of the wish's network, and of all others that this
// user's runs are on.
func checkPools(ctx context.Context, w *bridge.Wish) (found nsnet.Findings) {
	for _, h := range homes() {
		conn, err := h.connect()
		if err != nil {
			continue // it has just ended
		}
		a, err := converse(ctx, conn, call{Call: poolsCall, Wish: w})
		conn.Close()
		if err == nil {
			found = append(found, a.Found...)
		}
	}
	if len(found) > 0 {
		return found
	}
	for _, s := range w.Subnets {
		found = append(found, *nsnet.Pool{Network: w.Device(), Subnet: s}.Finding())
	}
	return found
}

// homes returns the directories of this user's networks. A check of the host isn't told
// where runs are; each keeper says in its arguments whose it is and which it has, proc(5).
func homes() []home {
	var all []home
	files, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, file := range files {
		text, _ := os.ReadFile(file)
		args := bytes.Split(text, []byte{0})
		if len(args) < 3 || string(args[1]) != keeperRole {
			continue
		}
		if h := home(args[2]); h.title(keeperRole) == string(args[0]) {
			all = append(all, h)
		}
	}
	return all
}
