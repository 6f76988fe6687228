// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/nsrun/nsrun/internal/install"
	"github.com/nsrun/nsrun/ns"
)

func newPluginInstall() *cobra.Command {
	var to string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "install FILE|DIR",
		Short: "Install a plugin, or all in a directory, for yourself or as root for everybody",
		Long: "Install a plugin, or all in a directory, for yourself or as root for everybody.\n\n" +
			"With a file SHA256SUMS beside them, each must be listed there with its sum. A plugin is\n" +
			"copied, asked what it is, put in its place in one step, and recorded there in nsrun.lock,\n" +
			"which plugin list compares; if one of several can't be installed none is.",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			if to == "" {
				if to, err = installDir(); err != nil {
					return err
				}
			}
			plugins, err := install.Install(cmd.Context(), args[0], to)
			if err != nil {
				return err
			}
			if asJSON {
				return printJSON(cmd.OutOrStdout(), plugins)
			}
			for _, p := range plugins {
				sum := "no " + install.SumsFile
				if p.Verified {
					sum = "as in " + install.SumsFile
				}
				fmt.Fprintf(cmd.OutOrStdout(), "installed %s %s as %s (sha256 %s, %s)\n", p.Descriptor.Name, p.Descriptor.Version, p.Path, p.SHA256, sum)
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&to, "to", "", "install here instead")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// installDir returns the directory for plugins of the caller: root's is the one of
// this installation.
func installDir() (string, error) {
	if os.Geteuid() != 0 {
		home, err := os.UserHomeDir()
		if err != nil {
			return "", &ns.Diagnostic{Summary: "install plugins: " + err.Error(), Hint: "--to DIR"}
		}
		return filepath.Join(home, ".local", "libexec", "nsrun", "plugins"), nil
	}
	self, err := os.Executable()
	if err != nil {
		return "", fmt.Errorf("find nsctl: %w", err)
	}
	bin := filepath.Dir(self)
	if info, err := os.Stat(filepath.Join(bin, "plugins")); err == nil && info.IsDir() {
		return filepath.Join(bin, "plugins"), nil // a build tree
	}
	return filepath.Join(bin, "..", "libexec", "nsrun", "plugins"), nil
}
