// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/nsrun/nsrun/ns"
	"github.com/nsrun/nsrun/nsplugin/nsnet"
)

// TestNetworksPageSaysWhatBackendsHave compares the table of flags in docs/networks.md
// with the features in the backends' descriptors.
func TestNetworksPageSaysWhatBackendsHave(t *testing.T) {
	text, err := os.ReadFile("../docs/networks.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := flagTable(string(text))
	flag := regexp.MustCompile("--([a-z0-9-]+)")
	for _, d := range networkBackends(t) {
		column := slices.Index(rows[0], "`"+d.Selector()+"`")
		if column < 0 {
			t.Errorf("docs/networks.md: the table of flags has no column `%s`", d.Selector())
			continue
		}
		for _, row := range rows[2:] {
			for _, found := range flag.FindAllStringSubmatch(row[1], -1) {
				name := found[1]
				if has, says := slices.Contains(d.Features, name), row[column] != ""; has != says {
					t.Errorf("docs/networks.md: --%s of %s: the table says %v, the descriptor %v", name, d.Selector(), says, has)
				}
			}
		}
	}
	for _, name := range nsnet.Neutral() {
		if !slices.ContainsFunc(rows, func(row []string) bool {
			return strings.Contains(row[1], "--"+name+" ") || strings.Contains(row[1], "--"+name+"`")
		}) {
			t.Errorf("docs/networks.md: the table of flags has no row for --%s", name)
		}
	}
}

// flagTable returns the cells of the table whose first column is "flag".
func flagTable(page string) [][]string {
	_, rest, _ := strings.Cut(page, "\n| flag ")
	var rows [][]string
	for line := range strings.Lines("| flag " + rest) {
		if !strings.HasPrefix(line, "|") {
			break
		}
		cells := strings.Split(strings.ReplaceAll(line, `\|`, ""), "|")
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		rows = append(rows, cells)
	}
	return rows
}

// networkBackends returns the descriptors of the plugins for net that have one of the
// flags that backends share.
func networkBackends(t *testing.T) []*ns.Descriptor {
	t.Helper()
	var backends []*ns.Descriptor
	files, _ := filepath.Glob("../bin/plugins/nsrun-plugin-*")
	for _, file := range files {
		out, err := exec.Command(file, "describe").Output()
		if err != nil {
			t.Fatalf("%s describe: %v", file, err)
		}
		var d ns.Descriptor
		if err := json.Unmarshal(out, &d); err != nil {
			t.Fatalf("%s describe: %v", file, err)
		}
		shared := slices.ContainsFunc(d.Features, func(f string) bool { return slices.Contains(nsnet.Neutral(), f) })
		if d.Owns(ns.Net) && shared {
			backends = append(backends, &d)
		}
	}
	if len(backends) < 2 {
		t.Fatalf("%d network backends in bin/plugins", len(backends))
	}
	return backends
}
