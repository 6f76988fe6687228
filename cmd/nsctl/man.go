// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/nsrun/nsrun/internal/manpage"
	"github.com/nsrun/nsrun/internal/version"
	"github.com/spf13/cobra"
)

func newMan() *cobra.Command {
	return &cobra.Command{
		Use: "man DIR", Short: "Write the manual pages of nsrun, nsctl and the plugins that are installed below DIR, in man1 and man7", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return withSession(nil, func(s *session) error {
				plugins := s.Installed(cmd.Context())
				pages := []*manpage.Page{manpage.Nsrun(plugins), manpage.Nsctl(cmd.Root())}
				for _, d := range plugins {
					pages = append(pages, manpage.Plugin(d))
				}
				for _, p := range pages {
					if err := writePage(args[0], p); err != nil {
						return fmt.Errorf("write manual page: %w", err)
					}
				}
				return nil
			})
		},
	}
}

func writePage(dir string, p *manpage.Page) error {
	dir = filepath.Join(dir, fmt.Sprintf("man%d", p.Section))
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	f, err := os.Create(filepath.Join(dir, p.File()))
	if err != nil {
		return err
	}
	err = p.Write(f, version.Version)
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	return err
}
