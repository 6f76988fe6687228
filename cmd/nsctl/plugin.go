// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/nsrun/nsrun/core/find"
	"github.com/nsrun/nsrun/internal/install"
	"github.com/nsrun/nsrun/internal/report"
	"github.com/nsrun/nsrun/ns"
	"github.com/spf13/cobra"
)

func newPlugin() *cobra.Command {
	var dirs []string
	cmd := &cobra.Command{Use: "plugin", Short: "Show, check and write plugins"}
	cmd.PersistentFlags().StringArrayVar(&dirs, "plugin-dir", nil, "look for plugins here first")
	cmd.AddCommand(newPluginList(&dirs), newPluginInspect(&dirs), newPluginCheck(), newPluginNew(&dirs), newPluginReadme(), newPluginReplay(), newPluginInstall(), newPluginLock(&dirs))
	return cmd
}

// listed is a plugin as "plugin list" shows it.
type listed struct {
	find.Candidate
	Version string    `json:"version,omitempty"`
	Summary string    `json:"summary,omitempty"`
	Kinds   []ns.Kind `json:"kinds,omitempty"`
	// Trust says whether the file is the one that was installed.
	Trust       install.Trust `json:"trust"`
	TrustReason string        `json:"trust_reason,omitempty"`
}

func newPluginList(dirs *[]string) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "list", Short: "List the plugins that are installed, and why some can't be used", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return withSession(*dirs, func(s *session) error {
				plugins := list(cmd.Context(), s)
				if asJSON {
					return printJSON(cmd.OutOrStdout(), plugins)
				}
				return printPlugins(cmd.OutOrStdout(), plugins)
			})
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func list(ctx context.Context, s *session) []listed {
	plugins := []listed{}
	for _, c := range s.Candidates() {
		l := listed{Candidate: c}
		l.Trust, l.TrustReason = install.Judge(ctx, c, func(ctx context.Context) (string, error) {
			p, err := s.Find(c.Path)
			if err != nil {
				return "", err
			}
			return s.Digest(ctx, p)
		})
		if c.Chosen {
			d, err := s.DescribeNamed(ctx, c.Name)
			if err != nil {
				l.Chosen, l.Reason = false, err.Error()
			} else {
				l.Version, l.Summary, l.Kinds = d.Version, d.Summary, d.Kinds
			}
		}
		plugins = append(plugins, l)
	}
	return plugins
}

func printPlugins(w io.Writer, plugins []listed) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "NAME\tVERSION\tKINDS\tSOURCE\tTRUST\tSTATE\tPATH")
	for _, p := range plugins {
		fmt.Fprintf(t, "%s\t%s\t%s\t%v\t%s\t%s\t%s\n", p.Name, dash(p.Version), dash(ns.JoinKinds(p.Kinds, ",")), p.Source, p.Trust, p.state(), p.Path)
	}
	err := t.Flush()
	for _, p := range plugins {
		// Why a file is untrusted is its state.
		if p.TrustReason != "" && p.Trust != install.Untrusted {
			fmt.Fprintf(w, "%s is %s: %s\n", p.Path, p.Trust, p.TrustReason)
		}
	}
	return err
}

// state returns whether the plugin can be chosen by its name, or why not.
func (l *listed) state() string {
	if l.Chosen {
		return "ok"
	}
	return l.Reason
}

func newPluginInspect(dirs *[]string) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "inspect NAME", Short: "Show what a plugin says of itself, and its flags", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return withSession(*dirs, func(s *session) error {
				d, err := s.DescribeNamed(cmd.Context(), args[0])
				if err != nil {
					return err
				}
				if asJSON {
					return printJSON(cmd.OutOrStdout(), d)
				}
				return printDescriptor(cmd.OutOrStdout(), d)
			})
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func printDescriptor(w io.Writer, d *ns.Descriptor) error {
	fmt.Fprintf(w, "%s %s: %s\n", d.Name, d.Version, d.Summary)
	fmt.Fprintf(w, "kinds: %s\n", dash(ns.JoinKinds(d.Kinds, ",")))
	for _, h := range d.Hooks {
		fmt.Fprintf(w, "hook: %s\n", h)
	}
	if len(d.Options) == 0 {
		return nil
	}
	return report.Options(w, "Flags:", d.Options)
}
