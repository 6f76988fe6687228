// SPDX-License-Identifier: Apache-2.0

package main

import (
	"strings"

	"github.com/spf13/cobra"
)

// completeArguments has the shells offer what exists for commands below c: the first
// word of their usage behind the name says what they take.
func completeArguments(c *cobra.Command) {
	_, takes, _ := strings.Cut(c.Use, " ")
	switch {
	case strings.HasPrefix(takes, "RUN"), strings.HasPrefix(takes, "[flags] RUN"):
		c.ValidArgsFunction = first(liveRuns)
	case c.Name() == "inspect" && takes == "NAME":
		c.ValidArgsFunction = first(installedPlugins)
	case takes == "" && !c.HasSubCommands():
		c.ValidArgsFunction = cobra.NoFileCompletions
	}
	for _, sub := range c.Commands() {
		completeArguments(sub)
	}
}

// first completes the first argument by list, and leaves the others to the shell.
func first(list func(*session, *cobra.Command) []string) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, _ string) (words []string, _ cobra.ShellCompDirective) {
		if len(args) > 0 && cmd.Name() != "kill" {
			return nil, cobra.ShellCompDirectiveDefault
		}
		err := withSession(nil, func(s *session) error {
			words = list(s, cmd)
			return nil
		})
		if err != nil {
			return nil, cobra.ShellCompDirectiveError
		}
		return words, cobra.ShellCompDirectiveNoFileComp
	}
}

// liveRuns returns the names of live runs, or their ids, each with its command.
func liveRuns(s *session, _ *cobra.Command) (words []string) {
	runs, err := s.Base.List()
	if err != nil {
		return nil
	}
	for _, r := range alive(runs, false) {
		name := r.Header.Name
		if name == "" {
			name = r.Header.ID
		}
		words = append(words, name+"\t"+strings.Join(r.Header.Argv, " "))
	}
	return words
}

func installedPlugins(s *session, cmd *cobra.Command) (words []string) {
	for _, d := range s.Installed(cmd.Context()) {
		words = append(words, d.Name+"\t"+d.Summary)
	}
	return words
}
