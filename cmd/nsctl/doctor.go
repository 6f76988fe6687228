// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"slices"

	"github.com/nsrun/nsrun/core"
	"github.com/nsrun/nsrun/internal/report"
	"github.com/nsrun/nsrun/ns"
	"github.com/spf13/cobra"
)

func newDoctor() *cobra.Command {
	var dirs []string
	var asJSON bool
	cmd := &cobra.Command{
		Use: "doctor", Short: "Say what works on this host for this user, what doesn't and why, and what would help",
		Long: `Say what works on this host for this user: each kind of namespace is made once,
and each plugin is asked. Nothing is changed. The exit status is 1 if something
doesn't work.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return withSession(dirs, func(s *session) error {
				findings := s.Examine(cmd.Context())
				if asJSON {
					if err := printJSON(cmd.OutOrStdout(), findings); err != nil {
						return err
					}
				} else {
					printFindings(cmd.OutOrStdout(), findings)
				}
				return verdict(findings)
			})
		},
	}
	cmd.Flags().StringArrayVar(&dirs, "plugin-dir", nil, "look for plugins here first")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// printFindings prints what isn't well; nsctl net check prints the rest of networks.
func printFindings(w io.Writer, findings []core.Finding) {
	for _, f := range findings {
		f.Diagnostics = slices.DeleteFunc(slices.Clone(f.Diagnostics), func(d ns.Diagnostic) bool { return d.Severity == ns.Notice })
		switch {
		case !f.OK:
			fmt.Fprintf(w, "no    %s\n", f.Part)
		case len(f.Diagnostics) > 0:
			fmt.Fprintf(w, "but   %s\n", f.Part)
		default:
			fmt.Fprintf(w, "ok    %s\n", f.Part)
		}
		for i := range f.Diagnostics {
			report.Diagnostic(w, "  nsctl", &f.Diagnostics[i])
		}
	}
}

// verdict returns the status to exit with.
func verdict(findings []core.Finding) error {
	for _, f := range findings {
		if !f.OK {
			return &exitStatus{code: 1}
		}
	}
	return nil
}
