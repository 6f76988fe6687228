// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/nsrun/nsrun/core/journal"
	"github.com/nsrun/nsrun/ns"
	"github.com/spf13/cobra"
)

func newPS() *cobra.Command {
	var all, asJSON, quiet bool
	cmd := &cobra.Command{
		Use: "ps", Short: "List runs", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return withSession(nil, func(s *session) error {
				runs, err := s.Base.List()
				if err != nil {
					return err
				}
				return runsPrinter(asJSON, quiet)(cmd.OutOrStdout(), alive(runs, all))
			})
		},
	}
	cmd.Flags().BoolVarP(&all, "all", "a", false, "also those whose nsrun was killed and that gc will collect")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	cmd.Flags().BoolVarP(&quiet, "quiet", "q", false, "print ids alone, as nsctl kill and others take them")
	cmd.MarkFlagsMutuallyExclusive("json", "quiet")
	return cmd
}

func alive(runs []journal.Entry, all bool) []journal.Entry {
	kept := []journal.Entry{}
	for _, r := range runs {
		if r.Alive || all {
			kept = append(kept, r)
		}
	}
	return kept
}

// runsPrinter returns how runs are to be printed.
func runsPrinter(asJSON, quiet bool) func(io.Writer, []journal.Entry) error {
	switch {
	case asJSON:
		return func(w io.Writer, runs []journal.Entry) error { return printJSON(w, runs) }
	case quiet:
		return printIDs
	}
	return printRuns
}

func printIDs(w io.Writer, runs []journal.Entry) (err error) {
	for _, r := range runs {
		_, e := fmt.Fprintln(w, r.Header.ID)
		err = errors.Join(err, e)
	}
	return err
}

func printRuns(w io.Writer, runs []journal.Entry) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "ID\tNAME\tPID\tUP\tNAMESPACES\tADDRESS\tCOMMAND")
	for _, r := range runs {
		fmt.Fprintf(t, "%s\t%s\t%d\t%s\t%s\t%s\t%s\n", r.Header.ID, dash(r.Header.Name), r.Child, up(r),
			ns.JoinKinds(r.Header.Kinds, ","), dash(r.Results[netOwner(r)]["address"]), strings.Join(r.Header.Argv, " "))
	}
	return t.Flush()
}

func printJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

func up(r journal.Entry) string {
	if !r.Alive {
		return "dead"
	}
	return time.Since(time.Unix(r.Header.Started, 0)).Round(time.Second).String()
}

// netOwner returns the plugin that reported an address.
func netOwner(r journal.Entry) string {
	for plugin, results := range r.Results {
		if results["address"] != "" {
			return plugin
		}
	}
	return ""
}

func dash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}
