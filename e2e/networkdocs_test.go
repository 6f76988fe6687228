// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/nsrun/nsrun/ns"
	"github.com/nsrun/nsrun/nsplugin/nsnet"
)

// The table of flags on the page about networks stands between these lines.
const (
	networksPage = "../docs/networks.md"
	tableBegin   = "<!-- flags: made from the plugins' descriptors by NSRUN_TEST_UPDATE=1 go test ./e2e -run TestNetworksPage -->\n"
	tableEnd     = "<!-- end of flags -->\n"
)

// TestNetworksPageSaysWhatBackendsHave compares the table of flags with what the
// backends say of themselves. With NSRUN_TEST_UPDATE it writes the table.
func TestNetworksPageSaysWhatBackendsHave(t *testing.T) {
	text, err := os.ReadFile(networksPage)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, begins := strings.Cut(string(text), tableBegin)
	table, after, ends := strings.Cut(rest, tableEnd)
	if !begins || !ends {
		t.Fatalf("%s has no table between %q and %q", networksPage, tableBegin, tableEnd)
	}
	want := flagTable(networkBackends(t))
	if table == want {
		return
	}
	if os.Getenv("NSRUN_TEST_UPDATE") == "" {
		t.Errorf("the table of flags is not what the descriptors say:\n%s", gocmp.Diff(want, table))
		return
	}
	if err := os.WriteFile(networksPage, []byte(before+tableBegin+want+tableEnd+after), 0o644); err != nil {
		t.Fatal(err)
	}
}

// flagTable has a row for each flag that backends share, and a column for each
// backend.
func flagTable(backends []*ns.Descriptor) string {
	var b strings.Builder
	b.WriteString("| flag | does |")
	for _, d := range backends {
		fmt.Fprintf(&b, " `%s` |", d.Selector())
	}
	b.WriteString("\n" + strings.Repeat("|---", len(backends)+2) + "|\n")
	for _, name := range nsnet.Neutral() {
		flagRow(&b, name, backends)
	}
	return b.String()
}

func flagRow(b *strings.Builder, name string, backends []*ns.Descriptor) {
	var does string
	var cells strings.Builder
	usage := "`--" + name + "`"
	for _, d := range backends {
		has := ""
		if i := slices.IndexFunc(d.Options, func(o ns.Option) bool { return o.Name == name }); i >= 0 && slices.Contains(d.Features, name) {
			has, does, usage = "yes", d.Options[i].Help, usageOf(d.Options[i])
		}
		fmt.Fprintf(&cells, " %s |", has)
	}
	fmt.Fprintf(b, "| %s | %s |%s\n", usage, does, &cells)
}

// usageOf is the flag as it is typed, in a cell of a table.
func usageOf(o ns.Option) string {
	text := "--" + strings.Join(append([]string{o.Name}, o.Args...), " ")
	if o.Short != "" {
		text = "-" + o.Short + "`, `" + text
	}
	return "`" + strings.ReplaceAll(text, "|", `\|`) + "`"
}

// networkBackends returns the descriptors of the plugins for net that have one of the
// flags that backends share, those with the most first.
func networkBackends(t *testing.T) []*ns.Descriptor {
	t.Helper()
	backends := slices.DeleteFunc(networkPlugins(t), func(d *ns.Descriptor) bool { return shared(d) == 0 })
	slices.SortStableFunc(backends, func(a, b *ns.Descriptor) int { return cmp.Compare(shared(b), shared(a)) })
	return backends
}

// networkPlugins returns the descriptors of all plugins for net, by name.
func networkPlugins(t *testing.T) []*ns.Descriptor {
	t.Helper()
	var plugins []*ns.Descriptor
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
		if d.Owns(ns.Net) {
			plugins = append(plugins, &d)
		}
	}
	if len(plugins) < 2 {
		t.Fatalf("%d plugins for net in bin/plugins", len(plugins))
	}
	return plugins
}

// shared is how many of the flags that backends share the plugin has.
func shared(d *ns.Descriptor) (count int) {
	for _, name := range nsnet.Neutral() {
		if slices.Contains(d.Features, name) {
			count++
		}
	}
	return count
}
