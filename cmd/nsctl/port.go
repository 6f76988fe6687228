// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/nsrun/nsrun/core/journal"
	"github.com/nsrun/nsrun/ns"
	"github.com/spf13/cobra"
)

// published is a port of a run that is a port of the host.
type published struct {
	Host string `json:"host"` // ADDRESS:PORT, or the port alone for all addresses
	Port string `json:"port"` // PORT/PROTOCOL in the sandbox
}

func newPort() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "port RUN [PORT[/PROTOCOL]]", Short: "List a run's published ports, or those of one port of its own",
		Args: cobra.RangeArgs(1, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			return withSession(nil, func(s *session) error {
				run, err := findRun(s.Base, args[0])
				if err != nil {
					return err
				}
				if slices.Contains(run.Updating, netOwner(run)) {
					s.Notice(unsurePorts(args[0]))
				}
				ports := portsOf(run)
				if len(args) == 2 {
					if ports, err = only(ports, args[1]); err != nil {
						return err
					}
				}
				return printPorts(cmd.OutOrStdout(), ports, asJSON)
			})
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// unsurePorts warns that what the journal says of a run's ports may not hold.
func unsurePorts(run string) *ns.Diagnostic {
	return &ns.Diagnostic{
		Severity: ns.Warning,
		Summary:  "ports of run " + run + ": an update is under way, or was cut short: these were published before it",
		Hint:     "another nsctl update of the run, which puts it right",
	}
}

// portsOf returns what the network backend has said of the run's ports.
func portsOf(run journal.Entry) []published {
	ports := []published{}
	for _, text := range strings.Fields(run.Results[netOwner(run)]["ports"]) {
		if host, port, found := strings.Cut(text, "->"); found {
			ports = append(ports, published{host, port})
		}
	}
	return ports
}

// only returns those that publish port, which is TCP without a protocol.
func only(ports []published, port string) ([]published, error) {
	if !strings.Contains(port, "/") {
		port += "/tcp"
	}
	var some []published
	for _, p := range ports {
		if p.Port == port {
			some = append(some, p)
		}
	}
	if some == nil {
		return nil, &ns.Diagnostic{Summary: "port " + port + " is not published", Hint: "nsctl port RUN lists those that are"}
	}
	return some, nil
}

func printPorts(w io.Writer, ports []published, asJSON bool) error {
	if asJSON {
		return printJSON(w, ports)
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "HOST\tSANDBOX")
	for _, p := range ports {
		fmt.Fprintf(t, "%s\t%s\n", p.Host, p.Port)
	}
	return t.Flush()
}
