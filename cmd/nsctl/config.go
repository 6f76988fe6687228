// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"

	"github.com/nsrun/nsrun/core/config"
	"github.com/spf13/cobra"
)

func newConfig() *cobra.Command {
	cmd := &cobra.Command{Use: "config", Short: "Show and check what configuration files say"}
	cmd.AddCommand(newConfigShow(), newConfigCheck())
	return cmd
}

func newConfigShow() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "show", Short: "Show what configuration files give, with file and line, and what overrides it", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return withConfig(cmd.Context(), func(s *session) error {
				if asJSON {
					return printJSON(cmd.OutOrStdout(), s.Given(cmd.Context()))
				}
				return printConfig(cmd.Context(), cmd.OutOrStdout(), s)
			})
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// withConfig calls f with a session that has read the configuration files.
func withConfig(ctx context.Context, f func(*session) error) error {
	return withSession(nil, func(s *session) error {
		if err := s.Configure(ctx); err != nil {
			return err
		}
		return f(s)
	})
}

func printConfig(ctx context.Context, w io.Writer, s *session) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "KEY\tVALUE\tFROM")
	for _, g := range s.Given(ctx) {
		from := g.From
		if g.Overridden != "" {
			from += " (overridden by " + g.Overridden + ")"
		}
		fmt.Fprintf(t, "%s\t%s\t%s\n", g.Key, g.Value, from)
	}
	return t.Flush()
}

func newConfigCheck() *cobra.Command {
	return &cobra.Command{
		Use: "check", Short: "Say all that is wrong with the configuration files", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return withSession(nil, func(s *session) error {
				s.Cache = nil
				if err := s.Configure(cmd.Context()); err != nil {
					return err
				}
				for _, f := range s.Config() {
					fmt.Fprintf(cmd.OutOrStdout(), "%s: ok\n", f.Path)
				}
				if len(s.Config()) == 0 {
					fmt.Fprintf(cmd.OutOrStdout(), "there is no %s\n", strings.Join(config.Paths(s.Facts.UID, os.Getenv), ", and no "))
				}
				return nil
			})
		},
	}
}
