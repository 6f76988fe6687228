// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"crypto/sha512"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/containernetworking/cni/libcni"

	"github.com/nsrun/nsrun/nsplugin/nsnet"
)

// usesIPTables reports whether a plugin of the list may have made iptables rules.
func usesIPTables(list *libcni.NetworkConfigList) bool {
	return slices.ContainsFunc(list.Plugins, func(p *libcni.PluginConfig) bool {
		var conf struct {
			Masquerade bool    `json:"ipMasq"`
			MasqBy     backend `json:"ipMasqBackend"`
			PortmapBy  backend `json:"backend"`
		}
		if json.Unmarshal(p.Bytes, &conf) != nil {
			return true
		}
		switch p.Network.Type {
		case "portmap":
			return conf.PortmapBy != nftables
		case "bridge", "ptp":
			return conf.Masquerade && conf.MasqBy != nftables
		}
		return false
	})
}

// chainsOf returns the names of the chains that bridge, ptp and portmap make for
// a run: a hash of network and id, cut at the length that iptables(8) takes.
func chainsOf(network, runID string) []string {
	const longest = 28
	sum := sha512.Sum512([]byte(network + runID))
	var names []string
	for _, prefix := range []string{"CNI-", "CNI-DN-"} {
		names = append(names, fmt.Sprintf("%s%x", prefix, sum)[:longest])
	}
	return names
}

// sweepIPTables removes the chains that DEL has left, and the rules that lead to
// them, from the nat tables of both families.
func sweepIPTables(chains []string) error {
	return errors.Join(sweepTable("iptables", chains), sweepTable("ip6tables", chains))
}

// sweepTable removes them from one family. A host without the commands has none.
func sweepTable(command string, chains []string) error {
	save, err := lookSystem(command + "-save")
	if err != nil {
		return nil
	}
	rules, err := system(exec.Command(save, "-t", "nat"))
	if err != nil {
		return nil // no nat table in this family
	}
	script := undoChains(rules, chains)
	if script == "" {
		return nil
	}
	restore, err := lookSystem(command + "-restore")
	if err != nil {
		return err
	}
	cmd := exec.Command(restore, "--noflush", "--wait")
	cmd.Stdin = strings.NewReader(script)
	if _, err := system(cmd); err != nil {
		return fmt.Errorf("delete %s chains %s: %w", command, strings.Join(chains, ", "), err)
	}
	return nil
}

// undoChains returns the iptables-restore(8) script that deletes chains from what
// iptables-save printed, or "" if none is there.
func undoChains(saved string, chains []string) string {
	var jumps, drops strings.Builder
	for line := range strings.Lines(saved) {
		line = strings.TrimSpace(line)
		for _, chain := range chains {
			switch {
			case strings.HasPrefix(line, ":"+chain+" "):
				fmt.Fprintf(&drops, "-F %[1]s\n-X %[1]s\n", chain)
			case strings.HasPrefix(line, "-A ") && strings.HasSuffix(line, " -j "+chain):
				fmt.Fprintf(&jumps, "-D %s\n", line[len("-A "):])
			}
		}
	}
	if drops.Len() == 0 {
		return ""
	}
	return "*nat\n" + jumps.String() + drops.String() + "COMMIT\n"
}

// iptablesLock keeps other attaches with iptables out until unlock is called. The
// reference plugins look whether a shared chain is there and then make it, which
// fails if two of them do.
func iptablesLock() (unlock func(), err error) {
	return nsnet.LockFile(filepath.Join(runDir, "iptables.lock"))
}

// system runs a command and returns what it printed. An error has its stderr.
func system(cmd *exec.Cmd) (string, error) {
	var stdout, stderr bytes.Buffer
	cmd.Env = []string{"PATH=" + sysPath, "LANG=C"}
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := runToDeath(cmd); err != nil {
		return "", fmt.Errorf("%w: %s", err, tail(stderr.String()))
	}
	return stdout.String(), nil
}
