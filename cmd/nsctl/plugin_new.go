// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/nsrun/nsrun/core/find"
	"github.com/nsrun/nsrun/internal/scaffold"
	"github.com/nsrun/nsrun/ns"
	"github.com/nsrun/nsrun/nsplugin/conform"
)

func newPluginNew(dirs *[]string) *cobra.Command {
	var lang, sdk, dir string
	cmd := &cobra.Command{
		Use: "new NAME", Short: "Write the project of a new plugin, which builds and passes its tests at once", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			dir := cmp.Or(dir, ns.BinaryPrefix+args[0])
			project, err := newProject(args[0], lang, sdk, *dirs)
			if err != nil {
				return err
			}
			if err := scaffold.Write(dir, project); err != nil {
				return err
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "wrote %s\n  make -C %s check\n  nsrun --plugin-dir %s --plugins %s --greet you env\n", dir, dir, dir, args[0])
			return err
		},
	}
	cmd.Flags().StringVar(&lang, "lang", "go", "the language: "+strings.Join(scaffold.Langs, ", "))
	cmd.Flags().StringVar(&sdk, "sdk", "", "where nsrun's source lies, if nsctl can't find it by itself")
	cmd.Flags().StringVar(&dir, "dir", "", "write the project here instead of into nsrun-plugin-NAME")
	return cmd
}

// newProject returns the project, with all that it needs of this installation.
func newProject(name, lang, sdk string, dirs []string) (*scaffold.Project, error) {
	switch {
	case !ns.ValidName(name):
		return nil, &ns.Diagnostic{Summary: fmt.Sprintf("write project: %q is no plugin name", name), Hint: "lower-case letters, digits and hyphens, 32 at most"}
	case !slices.Contains(scaffold.Langs, lang):
		return nil, &ns.Diagnostic{Summary: fmt.Sprintf("write project: no template for %q", lang), Hint: "--lang " + strings.Join(scaffold.Langs, "|")}
	}
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find nsctl: %w", err)
	}
	p := &scaffold.Project{Name: name, Lang: lang, NSCTL: self, NSRUN: filepath.Join(filepath.Dir(self), "nsrun")}
	if lang == "exec" {
		places, err := find.Standard(dirs)
		if err != nil {
			return nil, err
		}
		interpreter, err := find.Find("exec", places)
		p.Exec = interpreter.Path
		return p, err
	}
	p.SDK, err = scaffold.FindSDK(sdk, self)
	return p, err
}

func newPluginReadme() *cobra.Command {
	return &cobra.Command{
		Use: "readme BIN", Short: "Write a README for a plugin, made from its descriptor", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			subject, err := subjectAt(args[0])
			if err != nil {
				return err
			}
			d, err := conform.Describe(cmd.Context(), subject)
			if err != nil {
				return err
			}
			_, err = fmt.Fprint(cmd.OutOrStdout(), scaffold.Readme(d))
			return err
		},
	}
}
