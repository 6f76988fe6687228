// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"io"

	"github.com/nsrun/nsrun/core"
	"github.com/nsrun/nsrun/internal/explain"
	"github.com/nsrun/nsrun/ns"
	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"
)

func newExplain() *cobra.Command {
	var calls []string
	var errno string
	var asJSON bool
	cmd := &cobra.Command{
		Use: "explain RUN [PATH...]", Short: "Say what a run's command may do with a path or a system call, and which rule forbids the rest",
		Long: `Say what a run's command may do with a path or a system call, and which rule of
which plugin forbids the rest: a mount that is read-only or noexec, a mask, Landlock,
owner and permissions against the run's ids and capabilities, the filter of system
calls. Each refusal is told with the error number that the command gets, and with
the flag that would allow it; several are told in the order in which the kernel asks.

Paths are those that the command uses. Nothing is tried and nothing is changed: mounts,
ids and capabilities are read from the kernel, Landlock rules and the filter from the
run's plan. What restricts nsrun's caller as well is not seen.

With --errno, as a program told it ("Read-only file system" is EROFS), only what
fails so is told.

The exit status is 0 if everything could be explained, and with --errno if anything
fails so.`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return withSession(nil, func(s *session) error {
				findings, err := explainError(s, errno, args[0], args[1:], calls)
				return errors.Join(printExplained(cmd.OutOrStdout(), findings, asJSON), err)
			})
		},
	}
	cmd.Flags().StringArrayVar(&calls, "syscall", nil, "explain a system call, by its name (repeatable)")
	_ = cmd.RegisterFlagCompletionFunc("syscall", func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return explain.Syscalls(), cobra.ShellCompDirectiveNoFileComp
	}) // it only fails for a flag that isn't there
	cmd.Flags().StringVar(&errno, "errno", "", "explain this error alone, by its name or number: what fails with it, and why")
	_ = cmd.RegisterFlagCompletionFunc("errno", func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return explain.Errnos(), cobra.ShellCompDirectiveNoFileComp
	})
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// explainError returns what can be said of paths and calls, and if an error is given
// only what fails with it.
func explainError(s *session, name, run string, paths, calls []string) ([]core.Finding, error) {
	if name == "" {
		return explainAll(s, run, paths, calls)
	}
	errno, err := explain.Errno(name)
	if err != nil {
		return nil, err
	}
	findings, err := explainAll(s, run, paths, calls)
	if err != nil {
		return findings, err
	}
	return explain.Giving(errno, findings)
}

// explainAll returns what can be said of paths and calls, and of which nothing can.
func explainAll(s *session, name string, paths, calls []string) (findings []core.Finding, err error) {
	if len(paths)+len(calls) == 0 {
		return nil, &ns.Diagnostic{Summary: "explain what? neither a path nor a system call is given", Hint: "nsctl explain " + name + " /etc/hosts, or --syscall mount"}
	}
	findings = []core.Finding{} // none is [] in JSON
	entry, fd, err := holdRun(s.Base, name)
	if err != nil {
		return nil, err
	}
	defer unix.Close(fd)
	run, err := explain.Open(&entry)
	if err != nil {
		return nil, err
	}
	defer run.Close()
	collect := func(about []string, explain func(string) ([]core.Finding, error)) {
		for _, what := range about {
			found, problem := explain(what)
			findings, err = append(findings, found...), errors.Join(err, problem)
		}
	}
	collect(paths, run.Path)
	collect(calls, run.Syscall)
	return findings, err
}

// explainMarks say how a line about a path or a call is meant.
var explainMarks = map[ns.Severity]string{ns.Notice: "ok", ns.Warning: "but", ns.Error: "no"}

func printExplained(w io.Writer, findings []core.Finding, asJSON bool) error {
	switch {
	case asJSON:
		return printJSON(w, findings)
	case len(findings) > 0:
		printChecks(w, findings, explainMarks)
	}
	return nil
}
