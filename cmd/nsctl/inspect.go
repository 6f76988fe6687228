// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"io"
	"slices"

	"github.com/nsrun/nsrun/core"
	"github.com/nsrun/nsrun/core/journal"
	"github.com/nsrun/nsrun/internal/report"
	"github.com/nsrun/nsrun/ns"
	"github.com/spf13/cobra"
)

func newInspect() *cobra.Command {
	var check, asJSON bool
	cmd := &cobra.Command{
		Use: "inspect RUN", Short: "Show a run as JSON: its command, namespaces, plugins, what they reported, and its steps",
		Long: `Show a run as JSON: its command, namespaces, plugins and what they reported, its
map of ids, and the steps that were done inside, without what files and filters hold.

With --check, ask the plugins instead whether what they made for the run still
holds: interfaces, addresses, routes, rules, helpers, and for a CNI network what
the CHECK of its plugins says. Nothing is changed. The exit status is 1 if
something doesn't hold.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return withSession(nil, func(s *session) error {
				if check {
					return checkRun(cmd.Context(), cmd.OutOrStdout(), s, args[0], asJSON)
				}
				run, err := findRun(s.Base, args[0])
				if err != nil {
					return err
				}
				return printJSON(cmd.OutOrStdout(), inspected(&run))
			})
		},
	}
	cmd.Flags().BoolVar(&check, "check", false, "ask the plugins whether what they made for the run still holds")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON, also with --check")
	return cmd
}

// inspection is a run with what was done inside before its command started.
type inspection struct {
	*journal.Entry
	IDMap *ns.IDMap        `json:"idMap,omitempty"`
	Steps []ns.PlannedStep `json:"steps,omitempty"`
}

// inspected returns what there is to see of a run. Filters are left out, which nobody can
// read so.
func inspected(run *journal.Entry) inspection {
	if run.Joining == nil {
		return inspection{Entry: run}
	}
	steps := slices.Concat(run.Joining.Others, run.Joining.Steps)
	for i := range steps {
		if steps[i].Op == ns.OpSeccomp {
			steps[i].Data = ""
		}
	}
	return inspection{run, run.Joining.IDMap, steps}
}

// checkRun prints what the run's plugins say of it, and returns the status to exit with.
func checkRun(ctx context.Context, w io.Writer, s *session, name string, asJSON bool) error {
	run, err := findRun(s.Base, name)
	if err != nil {
		return err
	}
	findings := s.CheckRun(ctx, run)
	// What the end of the run undid meanwhile isn't missing.
	if _, err := findRun(s.Base, run.Header.ID); err != nil {
		return err
	}
	if asJSON {
		err = printJSON(w, findings)
	} else {
		printChecks(w, findings, runMarks)
	}
	if err != nil {
		return err
	}
	return verdict(findings)
}

// runMarks say how a line of the check of a run is meant.
var runMarks = map[ns.Severity]string{ns.Notice: "ok", ns.Warning: "not checked", ns.Error: "no"}

func printChecks(w io.Writer, findings []core.Finding, marks map[ns.Severity]string) {
	if len(findings) == 0 {
		fmt.Fprintln(w, "nothing to check: no plugin has made anything on the host for this run")
	}
	for _, f := range findings {
		for _, d := range f.Diagnostics {
			mark := marks[d.Severity]
			d.Severity = ns.Error // the mark says it
			report.Diagnostic(w, mark, &d)
		}
	}
}
