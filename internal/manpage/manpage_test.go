// SPDX-License-Identifier: Apache-2.0

package manpage

import (
	"bytes"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/nsrun/nsrun/ns"
)

var hello = &ns.Descriptor{
	Name: "hello", Version: "1.0.0", Summary: "says 'hello' \\o/", Kinds: []ns.Kind{ns.UTS}, Hooks: []ns.Point{ns.PreExec},
	Options: []ns.Option{
		{Name: "name", Short: "n", Type: ns.String, Help: ".begins with a dot", Default: "world", Env: "HELLO"},
		{Name: "pair", Type: ns.Path, Args: []string{"SRC", "DST"}, Help: "'begins with a quote", Repeated: true},
	},
}

func pages() []*Page {
	root := &cobra.Command{Use: "nsctl"}
	group := &cobra.Command{Use: "plugin", Short: "Plugins"}
	list := &cobra.Command{Use: "list NAME", Short: "List", Long: "List them.\nAll.\n\n  nsctl plugin list\n", Run: func(*cobra.Command, []string) {}}
	list.Flags().StringP("to", "t", "here", "where to list")
	list.Flags().Bool("json", false, "print JSON")
	hidden := &cobra.Command{Use: "__x", Hidden: true, Run: list.Run}
	root.AddCommand(group, hidden)
	group.AddCommand(list)
	return []*Page{Plugin(hello), Nsrun([]*ns.Descriptor{hello}), Nsctl(root)}
}

func text(t *testing.T, p *Page) string {
	t.Helper()
	var b bytes.Buffer
	if err := p.Write(&b, "v1.0.0"); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestPagesSayAllThatThereIs(t *testing.T) {
	want := [][]string{
		{`nsrun\-plugin\-hello \- says 'hello' \eo/`, `\fB\-n, \-\-name STRING\fP`, "\\&.begins with a dot (default: world) (or HELLO)", `\-\-uts.OPTION`, `\-\-pair SRC DST`},
		{`\fB\-\-dry\-run[=text|json|syscalls]\fP`, `nsrun\-plugin\-hello(7)`, `\fB127\fP`},
		{".SS nsctl plugin list NAME", `\fB\-t, \-\-to STRING\fP`, `where to list (default: here)`, ".EX\n      nsctl plugin list"},
	}
	for i, p := range pages() {
		got := text(t, p)
		for _, w := range want[i] {
			if !strings.Contains(got, w) {
				t.Errorf("%s lacks %s:\n%s", p.File(), w, got)
			}
		}
		if strings.Contains(got, "__x") || strings.Contains(got, "--help") {
			t.Errorf("%s has what is hidden", p.File())
		}
	}
}

func TestMandocFindsNoFault(t *testing.T) {
	if _, err := exec.LookPath("mandoc"); err != nil {
		if os.Getenv("NSRUN_TEST_MUST_WORK") == "1" {
			t.Fatal(err)
		}
		t.Skip("mandoc isn't installed")
	}
	for _, p := range pages() {
		cmd := exec.Command("mandoc", "-T", "lint", "-W", "warning")
		cmd.Stdin = strings.NewReader(text(t, p))
		out, _ := cmd.CombinedOutput()
		for line := range strings.Lines(string(out)) {
			if !strings.Contains(line, "missing date") {
				t.Errorf("%s: %s", p.File(), line)
			}
		}
	}
}
