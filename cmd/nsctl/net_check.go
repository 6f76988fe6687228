// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"io"
	"slices"
	"strings"
	"syscall"

	"github.com/nsrun/nsrun/core"
	"github.com/nsrun/nsrun/ns"
	"github.com/spf13/cobra"
)

func newNetCheck() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "check [BACKEND|NETWORK]", Short: "Say of each network backend whether it works here, and how its networks are",
		Long: `Say of each network backend whether it works on this host for this user, and how
its networks are: bridges, configurations and plugins of CNI, helpers, and how many
addresses are leased by runs that live. Nothing is changed.

The exit status is 1 if a backend doesn't work, but for those that need rights that
this user lacks. Of a backend or a network that is named, those count, too, and of a
network warnings as well.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return withSession(nil, func(s *session) error {
				return checkNetworks(cmd.Context(), cmd.OutOrStdout(), s, strings.Join(args, ""), asJSON)
			})
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// checkNetworks prints what the backends say, or of it what concerns the one, or the
// network, that is called name. It returns the status to exit with.
func checkNetworks(ctx context.Context, w io.Writer, s *session, name string, asJSON bool) error {
	findings := s.ExamineKind(ctx, ns.Net)
	if name == "" {
		excuse(findings)
	} else if findings = about(findings, name); len(findings) == 0 {
		return &ns.Diagnostic{Summary: "no backend and no network is called " + name,
			Hint: "nsctl net check without a name shows all that there are"}
	}
	if err := printNetChecks(w, findings, asJSON); err != nil {
		return err
	}
	return verdict(findings)
}

func printNetChecks(w io.Writer, findings []core.Finding, asJSON bool) error {
	if asJSON {
		return printJSON(w, findings)
	}
	for i := range findings {
		f := &findings[i]
		if len(f.Diagnostics) == 0 {
			f.Diagnostics = []ns.Diagnostic{{Severity: ns.Notice, Summary: f.Part}}
		}
	}
	printChecks(w, findings, netMarks)
	return nil
}

// netMarks say how a line of the check of networks is meant.
var netMarks = map[ns.Severity]string{ns.Notice: "ok", ns.Warning: "but", ns.Error: "no"}

// excuse lets those backends count as well that only lack rights: this user couldn't
// take them.
func excuse(findings []core.Finding) {
	for i := range findings {
		f := &findings[i]
		wrong := slices.DeleteFunc(slices.Clone(f.Diagnostics), func(d ns.Diagnostic) bool { return d.Severity != ns.Error })
		f.OK = f.OK || strings.HasPrefix(f.Part, "plugin ") &&
			!slices.ContainsFunc(wrong, func(d ns.Diagnostic) bool { return d.Errno != syscall.EPERM })
	}
}

// about returns the finding of the backend that is called name, or else what all of
// them say of the network: SPEC.md, [C-6].
func about(findings []core.Finding, name string) (some []core.Finding) {
	for _, f := range findings {
		if f.Part == "plugin "+name {
			return []core.Finding{f}
		}
	}
	for _, f := range findings {
		f.Diagnostics = slices.DeleteFunc(slices.Clone(f.Diagnostics), func(d ns.Diagnostic) bool {
			return !strings.HasPrefix(d.Summary, "network "+name+": ")
		})
		f.OK = !slices.ContainsFunc(f.Diagnostics, func(d ns.Diagnostic) bool { return d.Severity != ns.Notice })
		if len(f.Diagnostics) > 0 {
			some = append(some, f)
		}
	}
	return some
}
