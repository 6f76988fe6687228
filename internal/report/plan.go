// SPDX-License-Identifier: Apache-2.0

package report

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/nsrun/nsrun/ns"
)

// PlanText writes a plan for people: clone flags, id map, steps, hooks and
// command, each with the plugin that asked for it.
func PlanText(w io.Writer, p *ns.Plan, command []string) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	section := heading()
	for _, o := range p.Kinds {
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\n", section("clone"), cloneName(o.Kind), o.Plugin, parenthesis(o.Reason))
	}
	for _, o := range p.Keeps {
		fmt.Fprintf(t, "%s\t%s\t%s\t(the caller's, not a new one)\n", section("keep"), o.Kind, o.Plugin)
	}
	for _, j := range p.Joins {
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\n", section("join"), j.Kind, j.Plugin, clean(j.Source))
	}
	if p.IDMap != nil {
		writeMap(t, section("id map"), "uid", p.IDMap.UIDs)
		writeMap(t, section("id map"), "gid", p.IDMap.GIDs)
	}
	for _, c := range p.Hooks {
		if c.Point == ns.PreExec {
			fmt.Fprintf(t, "%s\t%s\t%s\t\n", section("hooks"), c.Point, c.Plugin)
		}
	}
	for _, s := range p.Steps {
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\n", section("steps"), s.Op, s.Plugin, StepText(s.Step))
	}
	for _, e := range p.Env {
		fmt.Fprintf(t, "%s\t%s\t%s\t\n", section("env"), clean(e.Name+"="+e.Value), e.Plugin)
	}
	fmt.Fprintf(t, "%s\t%s\t\t\n", section("exec"), clean(strings.Join(command, " ")))
	for _, c := range p.Hooks {
		if c.Point == ns.PostExec {
			fmt.Fprintf(t, "%s\t%s\t%s\t\n", section("undo"), c.Point, c.Plugin)
		}
	}
	return t.Flush()
}

// heading returns a function that returns its argument the first time in a row
// and nothing after that.
func heading() func(string) string {
	last := ""
	return func(title string) string {
		if title == last {
			return ""
		}
		last = title
		return title
	}
}

func cloneName(k ns.Kind) string {
	if k == ns.Mount {
		return "NEWNS"
	}
	return "NEW" + strings.ToUpper(string(k))
}

func parenthesis(s string) string {
	if s == "" {
		return ""
	}
	return "(" + clean(s) + ")"
}

func writeMap(w io.Writer, title, what string, extents []ns.Extent) {
	var lines []string
	for _, e := range extents {
		lines = append(lines, e.String())
	}
	fmt.Fprintf(w, "%s\t%s\t\t%s\n", title, what, strings.Join(lines, " | "))
}

// StepText returns the operands of a step, in the order in which mount(8) and
// the like take them.
func StepText(s ns.Step) string {
	var words []string
	for _, w := range []string{s.FSType, s.Source, s.Target} {
		if w != "" {
			words = append(words, w)
		}
	}
	var attrs []string
	for _, a := range s.Attrs {
		attrs = append(attrs, string(a))
	}
	if len(attrs) > 0 {
		words = append(words, strings.Join(attrs, ","))
	}
	if s.Data != "" {
		words = append(words, dataText(s))
	}
	if s.Mode != 0 {
		words = append(words, fmt.Sprintf("mode=%04o", s.Mode))
	}
	if s.IfExists {
		words = append(words, "(if it exists)")
	}
	return clean(strings.Join(words, " "))
}

// dataText shows the size of a file or a filter and not its content, which can
// be long or secret.
func dataText(s ns.Step) string {
	switch s.Op {
	case ns.OpFile:
		return fmt.Sprintf("(%d bytes)", len(s.Data))
	case ns.OpSeccomp:
		filter, _, _ := ns.ParseFilter(s.Data)
		return fmt.Sprintf("(%d instructions)", len(filter))
	}
	return s.Data
}

// PlanJSON writes a plan in its stable form; see ns.PlanVersion.
func PlanJSON(w io.Writer, p *ns.Plan) error {
	text, err := p.JSON()
	if err == nil {
		_, err = w.Write(text)
	}
	return err
}
