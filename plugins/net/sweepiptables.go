// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"strings"

	"github.com/containernetworking/cni/libcni"
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

// sweepIPTables removes the run's rules and chains that DEL has left in the nat
// tables of both families.
func sweepIPTables(runID string) error {
	return errors.Join(sweepTable("iptables", runID), sweepTable("ip6tables", runID))
}

// sweepTable removes them from one family. A host without the commands has none.
func sweepTable(command, runID string) error {
	save, err := lookSystem(command + "-save")
	if err != nil {
		return nil
	}
	rules, err := system(exec.Command(save, "-t", "nat"))
	if err != nil {
		return nil // no nat table in this family
	}
	script := undoRules(rules, runID)
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
		return fmt.Errorf("delete %s rules of run %s: %w", command, runID, err)
	}
	return nil
}

// undoRules returns the iptables-restore(8) script that deletes the run's rules
// from what iptables-save printed, or "" if there are none.
func undoRules(saved, runID string) string {
	var deletes, chains []string
	mark := `id: \"` + runID + `\"`
	for line := range strings.Lines(saved) {
		rule, isRule := strings.CutPrefix(strings.TrimSpace(line), "-A ")
		if !isRule || !strings.Contains(rule, mark) {
			continue
		}
		deletes = append(deletes, "-D "+rule)
		if chain := ownChain(rule); chain != "" && !slices.Contains(chains, chain) {
			chains = append(chains, chain)
		}
	}
	if len(deletes) == 0 {
		return ""
	}
	script := "*nat\n" + strings.Join(deletes, "\n") + "\n"
	for _, chain := range chains {
		script += "-F " + chain + "\n-X " + chain + "\n"
	}
	return script + "COMMIT\n"
}

// ownChain returns the chain that only this run's rule jumps to, or "". Those
// called CNI-HOSTPORT-... are shared by all runs.
func ownChain(rule string) string {
	_, target, found := strings.Cut(rule, " -j ")
	target, _, _ = strings.Cut(target, " ")
	if !found || !strings.HasPrefix(target, "CNI-") || strings.HasPrefix(target, "CNI-HOSTPORT-") {
		return ""
	}
	return target
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
