// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/nsrun/nsrun/core/find"
	"github.com/nsrun/nsrun/core/flags"
	"github.com/nsrun/nsrun/ns"
	"github.com/nsrun/nsrun/nsplugin/conform"
)

func newPluginCheck() *cobra.Command {
	var asJSON, hooks bool
	var patience int
	cmd := &cobra.Command{
		Use:   "check BIN [-- FLAGS]",
		Short: "Check that a plugin, in any language, keeps SPEC.md",
		Long: "Check that a plugin, in any language, keeps SPEC.md.\n\n" +
			"Each check is shown with the id of the demand in SPEC.md that it is about. FLAGS are\n" +
			"flags of the plugin: a run that is checked beside one without any. No PreExec is called\n" +
			"without --hooks, since hooks change the host, as they do in a run.",
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			results, err := checkPlugin(cmd.Context(), args[0], args[1:], hooks, max(1, patience))
			if err != nil {
				return err
			}
			return printResults(cmd.OutOrStdout(), args[0], results, asJSON)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	cmd.Flags().BoolVar(&hooks, "hooks", false, "also call PreExec and PostExec, with a child in namespaces of its own")
	cmd.Flags().IntVar(&patience, "patience", 1, "let the plugin take so many times as long as SPEC.md says, on a loaded machine")
	return cmd
}

// checkPlugin makes all checks of the plugin at path.
func checkPlugin(ctx context.Context, path string, words []string, hooks bool, patience int) ([]conform.Result, error) {
	subject, err := subjectAt(path)
	if err != nil {
		return nil, err
	}
	subject.Limits = subject.Limits.Times(patience)
	if hooks {
		// The children die with the thread that cloned them: core/stage.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		subject.NewChild = newChild
	}
	if len(words) > 0 {
		c, err := caseOf(ctx, subject, words)
		if err != nil {
			return nil, err
		}
		subject.Cases = []conform.Case{c}
	}
	found := conform.Result{
		Check:   conform.Check{ID: "14", Name: "nsrun trusts the file where it lies", Should: true},
		Outcome: conform.Passed,
	}
	if _, err := find.Find(subject.Path, find.Dirs{UID: os.Geteuid()}); err != nil {
		found.Outcome, found.Details = conform.Advice, []string{err.Error()}
	}
	return append([]conform.Result{found}, conform.Run(ctx, subject)...), nil
}

// subjectAt returns the plugin at path.
func subjectAt(path string) (conform.Subject, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return conform.Subject{}, err
	}
	info, err := os.Stat(abs)
	switch {
	case err != nil:
		return conform.Subject{}, &ns.Diagnostic{Summary: "check plugin: " + err.Error(), Hint: "nsctl plugin check ./nsrun-plugin-NAME"}
	case !info.Mode().IsRegular() || info.Mode()&0o111 == 0:
		return conform.Subject{}, &ns.Diagnostic{Summary: "check plugin: " + path + " is no executable file", Hint: "chmod +x " + path}
	}
	return conform.Subject{Path: abs, Limits: conform.SpecLimits}, nil
}

// caseOf reads flags of the plugin.
func caseOf(ctx context.Context, subject conform.Subject, words []string) (conform.Case, error) {
	d, err := conform.Describe(ctx, subject)
	if err != nil {
		return conform.Case{}, err
	}
	parsed, err := flags.Parse(words, []flags.Set{{Plugin: d.Name, Scope: d.Scope(), Options: d.Options}})
	if err == nil && len(parsed.Command) > 0 {
		err = &ns.Diagnostic{Summary: fmt.Sprintf("read flags: %q is no flag of %s", parsed.Command[0], d.Name), Hint: "nsctl plugin check BIN -- --flag value"}
	}
	if err != nil {
		return conform.Case{}, err
	}
	dir, err := os.Getwd()
	settings := ns.ResolveSettings(d, parsed.Settings[d.Name], dir)
	if faults := ns.CheckSettings(d, settings); ns.HasErrors(faults) {
		return conform.Case{}, errors.Join(err, &faults[0])
	}
	return conform.Case{Name: "with the flags given", Settings: settings, Kinds: ns.Kinds()}, err
}

// errNotConform is the end of a check that found something.
var errNotConform = &ns.Diagnostic{Summary: "the plugin doesn't keep SPEC.md", Hint: "the checks marked failed say what is wrong; SPEC.md has each demand under its id"}

func printResults(w io.Writer, path string, results []conform.Result, asJSON bool) error {
	var err error
	if asJSON {
		err = printJSON(w, struct {
			Plugin   string           `json:"plugin"`
			Conforms bool             `json:"conforms"`
			Results  []conform.Result `json:"results"`
		}{path, conform.Conforms(results), results})
	} else {
		err = printTable(w, results)
	}
	if err == nil && !conform.Conforms(results) {
		return errNotConform
	}
	return err
}

// printTable prints a line for each check, and below it what was found.
func printTable(w io.Writer, results []conform.Result) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "SPEC\tRESULT\tCHECK")
	count := map[conform.Outcome]int{}
	for _, r := range results {
		count[r.Outcome]++
		name := r.Name
		if r.Case != "" {
			name += " (" + r.Case + ")"
		}
		fmt.Fprintf(t, "%s\t%s\t%s\n", r.ID, r.Outcome, name)
		for _, detail := range r.Details {
			fmt.Fprintf(t, "\t\t  %s\n", detail)
		}
	}
	fmt.Fprintf(t, "%d ok, %d failed, %d advice, %d skipped\n",
		count[conform.Passed], count[conform.Failed], count[conform.Advice], count[conform.Skipped])
	return t.Flush()
}
