// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/nsrun/nsrun/internal/changes"
)

func newDiff() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "diff LOWER CHANGES", Short: "List what a run with --overlay LOWER CHANGES DST changed: A added, C changed, D deleted",
		Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			return withChanges(args, func(s *changes.Set) error {
				list, err := s.List()
				if err != nil {
					return err
				}
				if asJSON {
					return printJSON(cmd.OutOrStdout(), append([]changes.Change{}, list...))
				}
				for _, c := range list {
					fmt.Fprintln(cmd.OutOrStdout(), c.Kind, c.Path)
				}
				return nil
			})
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func newKeep() *cobra.Command {
	return &cobra.Command{
		Use: "keep LOWER CHANGES", Short: "Do to LOWER what a run with --overlay LOWER CHANGES DST changed, once it has ended",
		Args: cobra.ExactArgs(2),
		RunE: func(_ *cobra.Command, args []string) error { return withChanges(args, (*changes.Set).Keep) },
	}
}

func newDiscard() *cobra.Command {
	return &cobra.Command{
		Use: "discard CHANGES", Short: "Throw away what a run with --overlay LOWER CHANGES DST changed, once it has ended",
		Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error { return changes.Discard(args[0]) },
	}
}

// withChanges calls f with the changes in the directory args[1] of the directory args[0].
func withChanges(args []string, f func(*changes.Set) error) error {
	s, err := changes.Open(args[0], args[1])
	if err != nil {
		return err
	}
	return errors.Join(f(s), s.Close())
}
