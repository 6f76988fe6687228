// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/nsrun/nsrun/core/trace"
	"github.com/nsrun/nsrun/ns"
	"github.com/nsrun/nsrun/nsplugin/conform"
)

func newPluginReplay() *cobra.Command {
	return &cobra.Command{
		Use:   "replay DIR BIN",
		Short: "Make the calls of a trace again, and compare the answers",
		Long: "Make the calls of a trace again, and compare the answers.\n\n" +
			"A trace is made by NSRUN_TRACE=DIR nsrun ...; the calls of other plugins in it are left out.\n" +
			"So are hooks, which change the host: what is replayed needs no privilege.",
		Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			records, err := trace.Read(args[0])
			if err != nil {
				return err
			}
			subject, err := subjectAt(args[1])
			if err != nil {
				return err
			}
			return replay(cmd.Context(), cmd.OutOrStdout(), subject, records)
		},
	}
}

// replay makes the calls of the plugin again and prints a line for each.
func replay(ctx context.Context, w io.Writer, subject conform.Subject, records []trace.Stored) error {
	plugin, end, err := conform.Open(subject)
	if err != nil {
		return err
	}
	defer end()
	d, err := plugin.Describe(ctx)
	if err != nil {
		return err
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "CALL\tRESULT\tTRACE")
	made, differ := 0, 0
	for _, r := range records {
		if r.Plugin != d.Name {
			continue
		}
		made++
		result := replayOne(ctx, plugin, &r.Record)
		if strings.HasPrefix(result, differs) {
			differ++
		}
		fmt.Fprintf(t, "%s\t%s\t%s\n", r.Call, result, r.File)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	switch {
	case made == 0:
		return &ns.Diagnostic{Summary: "replay: the trace has no call of " + d.Name, Hint: "NSRUN_TRACE=DIR nsrun --plugins " + d.Selector() + " ..."}
	case differ > 0:
		return &ns.Diagnostic{Summary: fmt.Sprintf("replay: %d of %d answers differ", differ, made), Hint: "compare the file with what the plugin answers now"}
	}
	return nil
}

// differs begins the result of a call whose answer is another one now.
const differs = "differs: "

// replayOne makes a call again and says how its answer compares.
func replayOne(ctx context.Context, plugin *conform.Plugin, r *trace.Record) string {
	if strings.Contains(string(r.Request), trace.Hidden) {
		return "left out: the value of a sensitive option isn't in the trace"
	}
	var answer any
	var err error
	switch r.Call {
	case trace.Describe:
		answer, err = plugin.Describe(ctx)
	case trace.Negotiate:
		answer, err = with(r.Request, func(req *ns.Request) (any, error) { return plugin.Negotiate(ctx, req) })
	case trace.Check:
		answer, err = with(r.Request, func(facts *ns.Facts) (any, error) { return plugin.Check(ctx, *facts) })
	case trace.Review:
		answer, err = with(r.Request, func(req *ns.ReviewRequest) (any, error) { return plugin.Review(ctx, req) })
	default:
		return "left out: it would change the host"
	}
	return compare(r, answer, err)
}

// with decodes a request for f.
func with[T any](text json.RawMessage, f func(*T) (any, error)) (any, error) {
	var request T
	if err := json.Unmarshal(text, &request); err != nil {
		return nil, fmt.Errorf("read the request: %w", err)
	}
	return f(&request)
}

// compare says how an answer compares to that of the record. nsrun fills in who
// speaks in diagnostics, which the plugin doesn't.
func compare(r *trace.Record, answer any, err error) string {
	switch {
	case err != nil && len(r.Errors) > 0:
		return "fails, as then: " + err.Error()
	case err != nil:
		return differs + err.Error()
	case len(r.Errors) > 0:
		return differs + "it failed then: " + errors.Join(&r.Errors[0]).Error()
	}
	var then, now any
	text, err := json.Marshal(answer)
	if err := errors.Join(err, json.Unmarshal(r.Answer, &then), json.Unmarshal(text, &now)); err != nil {
		return differs + err.Error()
	}
	forgetPlugin(then)
	if d := conform.Difference(then, now); d != "" {
		return differs + d
	}
	return "same"
}

// forgetPlugin removes who speaks from the diagnostics of an answer.
func forgetPlugin(answer any) {
	switch v := answer.(type) {
	case []any:
		for _, item := range v {
			forgetPlugin(item)
		}
	case map[string]any:
		forgetPlugin(v["diagnostics"])
		if _, ok := v["summary"]; ok && v["version"] == nil {
			delete(v, "plugin")
		}
	}
}
