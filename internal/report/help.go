// SPDX-License-Identifier: Apache-2.0

package report

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/nsrun/nsrun/core/flags"
	"github.com/nsrun/nsrun/ns"
)

// Options writes the help of a group of options under a title.
func Options(w io.Writer, title string, options []ns.Option) error {
	fmt.Fprintf(w, "\n%s\n", title)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for i := range options {
		o := &options[i]
		fmt.Fprintf(t, "  %s\t%s\n", FlagText(o), HelpText(o))
	}
	return t.Flush()
}

// FlagText returns an option as it is typed, behind blanks where it has no short form.
func FlagText(o *ns.Option) string {
	text := "    --" + o.Name
	if o.Short != "" {
		text = "-" + o.Short + ", --" + o.Name
	}
	switch names := flags.ArgNames(o); {
	case names != "":
		text += " " + names
	case len(o.Enum) > 0:
		text += "[=" + strings.Join(o.Enum, "|") + "]"
	}
	return text
}

// HelpText returns what help says of an option.
func HelpText(o *ns.Option) string {
	text := clean(o.Help)
	if o.Default != "" {
		text += fmt.Sprintf(" (default: %s)", clean(o.Default))
	}
	if o.Repeated {
		text += " (repeatable)"
	}
	if o.Env != "" {
		text += " (or " + o.Env + ")"
	}
	if o.Deprecated != "" {
		text += " (deprecated: " + clean(o.Deprecated) + ")"
	}
	return text
}
