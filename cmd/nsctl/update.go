// SPDX-License-Identifier: Apache-2.0

package main

import (
	"github.com/nsrun/nsrun/core"
	"github.com/nsrun/nsrun/ns"
	"github.com/spf13/cobra"
)

func newUpdate() *cobra.Command {
	ports := core.Change{Kind: ns.Net, Option: "publish"}
	cmd := &cobra.Command{
		Use: "update RUN", Short: "Publish ports of a run while its command runs, or unpublish them",
		Long: `Publish ports of a run while its command runs, or unpublish them: all that is
given, or nothing.

What is unpublished goes before what is published, so that a host port can be led
to another port. An unpublished port takes no new connection; TCP connections that
are open stay. nsctl port lists the ports.

Not every network backend can do this: for a run of another one the error names
those that can.`,
		Example: `  nsctl update web --publish 8443:443
  nsctl update web --unpublish 8080:80 --publish 127.0.0.1:8080:80`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(ports.Add)+len(ports.Remove) == 0 {
				return &ns.Diagnostic{Summary: "update run " + args[0] + ": nothing is to be changed", Hint: "--publish or --unpublish [IP:]HOST:PORT[/PROTO]"}
			}
			return withSession(nil, func(s *session) error {
				run, err := findRun(s.Base, args[0])
				if err != nil {
					return err
				}
				return s.Update(cmd.Context(), run, ports)
			})
		},
	}
	cmd.Flags().StringArrayVarP(&ports.Add, "publish", "p", nil, "make a port of the sandbox a port of the host: [IP:]HOST:PORT[/PROTO]")
	cmd.Flags().StringArrayVar(&ports.Remove, "unpublish", nil, "take a port from the host that is published: [IP:]HOST:PORT[/PROTO]")
	return cmd
}
