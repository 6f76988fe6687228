// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// backend is how CNI plugins translate addresses.
type backend string

// The backends, by the names that the CNI plugins know.
const (
	nftables backend = "nftables"
	iptables backend = "iptables"
)

// sysPath is where system commands are looked for, whatever the caller's PATH:
// the CNI plugins run nft and iptables as root.
const sysPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/run/current-system/sw/bin"

// command is the program that the backend's plugins run.
func (b backend) command() string {
	if b == nftables {
		return "nft"
	}
	return "iptables"
}

// chooseBackend returns the backend that was asked for, or for "auto" nftables if
// this host has it and iptables otherwise.
func chooseBackend(asked string) (backend, error) {
	if asked != "auto" && asked != "" {
		b := backend(asked)
		if _, err := lookSystem(b.command()); err != nil {
			return "", fmt.Errorf("%s is not installed", b.command())
		}
		return b, nil
	}
	for _, b := range []backend{nftables, iptables} {
		if _, err := lookSystem(b.command()); err == nil {
			return b, nil
		}
	}
	return "", errors.New("neither nft nor iptables is installed")
}

// lookSystem finds a system command.
func lookSystem(name string) (string, error) {
	for _, dir := range strings.Split(sysPath, ":") {
		path := filepath.Join(dir, name)
		if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() && info.Mode().Perm()&0o111 != 0 {
			return path, nil
		}
	}
	return "", fmt.Errorf("no %s in %s", name, sysPath)
}
