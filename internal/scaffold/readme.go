// SPDX-License-Identifier: Apache-2.0

package scaffold

import (
	"fmt"
	"strings"

	"github.com/nsrun/nsrun/ns"
)

// Readme returns a README.md in Markdown for the plugin that d describes.
func Readme(d *ns.Descriptor) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# %s%s\n\nA plugin of nsrun that %s.\n\n", ns.BinaryPrefix, d.Name, strings.TrimSuffix(d.Summary, "."))
	fmt.Fprintf(&b, "```console\n$ nsrun --plugins %s%s COMMAND\n```\n\n", d.Selector(), example(d))
	if len(d.Kinds) > 0 {
		fmt.Fprintf(&b, "It sets up: %s.\n\n", ns.JoinKinds(d.Kinds, ", "))
	}
	if len(d.Hooks) > 0 {
		b.WriteString("It works on the host: before the command starts, and undoes that afterwards.\n\n")
	}
	options(&b, d)
	b.WriteString("## Work on it\n\n```console\n$ make          # build it\n$ make check    # test it, and check it against nsrun's SPEC.md\n$ make install  # for yourself\n```\n")
	return b.String()
}

// example returns a flag to show, with a space before it.
func example(d *ns.Descriptor) string {
	if len(d.Options) == 0 {
		return ""
	}
	return " " + d.Options[0].Usage()
}

func options(b *strings.Builder, d *ns.Descriptor) {
	if len(d.Options) == 0 {
		return
	}
	b.WriteString("## Options\n\n| option | does | default |\n|---|---|---|\n")
	for i := range d.Options {
		o := &d.Options[i]
		help := o.Help
		for _, note := range []struct {
			given bool
			text  string
		}{
			{o.Required, "required"}, {o.Repeated, "may be given again"}, {o.Env != "", "also from " + o.Env},
			{o.Deprecated != "", "deprecated: " + o.Deprecated},
		} {
			if note.given {
				help += "; " + note.text
			}
		}
		fmt.Fprintf(b, "| `%s` | %s | %s |\n", o.Usage(), cell(help), cell(o.Default))
	}
	b.WriteString("\n")
}

// cell returns text for a cell of a table.
func cell(text string) string { return strings.ReplaceAll(text, "|", "\\|") }
