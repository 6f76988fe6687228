// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/nsrun/nsrun/core"
)

func newGC() *cobra.Command {
	var dryRun bool
	var forget string
	cmd := &cobra.Command{
		Use: "gc", Short: "Undo and remove what runs left whose nsrun was killed", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return withSession(nil, func(s *session) error {
				if forget != "" {
					return forgetRun(cmd, s, forget)
				}
				done, err := s.GC(cmd.Context(), dryRun)
				errs := []error{err}
				for _, c := range done {
					fmt.Fprintf(cmd.OutOrStdout(), "%s %s%s\n", verb(dryRun, c.Err), c.ID+origin(c), owed(c.Owed))
					errs = append(errs, c.Err)
				}
				return errors.Join(errs...)
			})
		},
	}
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "only say what would be done")
	cmd.Flags().StringVar(&forget, "forget", "", "remove the killed `RUN`, by name or id, though a plugin can't undo what it made")
	cmd.MarkFlagsMutuallyExclusive("dry-run", "forget")
	return cmd
}

// forgetRun ends what a run owes that can't be undone, so that no nsrun tries again.
func forgetRun(cmd *cobra.Command, s *session, name string) error {
	run, err := findDead(s.Base, name)
	if err != nil {
		return err
	}
	if err := s.Forget(cmd.Context(), run.Header.ID); err != nil {
		return err
	}
	fmt.Fprintln(cmd.OutOrStdout(), "forgot", run.Header.ID)
	return nil
}

func verb(dryRun bool, err error) string {
	switch {
	case err != nil:
		return "failed"
	case dryRun:
		return "would remove"
	}
	return "removed"
}

func owed(plugins []string) string {
	if len(plugins) == 0 {
		return ""
	}
	return " after post-exec of " + strings.Join(plugins, ", ")
}

// origin says of a run that it isn't of this start of the machine.
func origin(c core.Collected) string {
	if c.EarlierBoot {
		return " of an earlier start of this machine"
	}
	return ""
}

func newCache() *cobra.Command {
	cmd := &cobra.Command{
		Use: "cache", Short: "Show how much nsrun remembers of plugins' answers", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return withSession(nil, func(s *session) error {
				dir, entries, bytes := s.Cache.Usage()
				fmt.Fprintf(cmd.OutOrStdout(), "%d answers, %d bytes, in %s\n", entries, bytes, dir)
				return nil
			})
		},
	}
	cmd.AddCommand(&cobra.Command{
		Use: "clear", Short: "Forget all answers, so that the next run asks every plugin anew", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			return withSession(nil, func(s *session) error { return s.Cache.Clear() })
		},
	})
	return cmd
}
