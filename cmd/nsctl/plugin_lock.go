// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/nsrun/nsrun/core/lock"
)

func newPluginLock(dirs *[]string) *cobra.Command {
	var to string
	cmd := &cobra.Command{
		Use:   "lock [NAME...]",
		Short: "Write down which plugins are installed, for nsrun --locked",
		Long: "Write the names, versions and SHA-256 of plugins, all or those named, to nsrun.lock or the file\n" +
			"of --file; \"-\" is standard output. nsrun --locked[=FILE] then refuses others, wherever they lie.",
		RunE: func(cmd *cobra.Command, names []string) error {
			return withSession(*dirs, func(s *session) error {
				file, err := lockFile(cmd.Context(), s, names)
				if err != nil {
					return err
				}
				if to == "-" {
					_, err = fmt.Fprint(cmd.OutOrStdout(), file.Format())
					return err
				}
				return file.Write(to)
			})
		},
	}
	cmd.Flags().StringVarP(&to, "file", "o", lock.FileName, "write here instead; - is standard output")
	return cmd
}

// lockFile returns the lock file of the plugins called names; of all that can be
// used if there are none.
func lockFile(ctx context.Context, s *session, names []string) (*lock.File, error) {
	if len(names) == 0 {
		for _, c := range s.Candidates() {
			if c.Chosen {
				names = append(names, c.Name)
			}
		}
	}
	file := &lock.File{Plugins: map[string]lock.Entry{}}
	var errs []error
	for _, name := range names {
		entry, err := lockEntry(ctx, s, name)
		file.Plugins[name] = entry
		errs = append(errs, err)
	}
	return file, errors.Join(errs...)
}

func lockEntry(ctx context.Context, s *session, name string) (lock.Entry, error) {
	p, err := s.Find(name)
	if err != nil {
		return lock.Entry{}, err
	}
	d, err := s.DescribeNamed(ctx, name)
	if err != nil {
		return lock.Entry{}, err
	}
	sum, err := s.Digest(ctx, p)
	return lock.Entry{Version: d.Version, SHA256: sum}, err
}
