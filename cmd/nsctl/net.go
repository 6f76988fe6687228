// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/nsrun/nsrun/core/journal"
	"github.com/nsrun/nsrun/ns"
	"github.com/spf13/cobra"
)

// network is a network with sandboxes on it, as backends have reported it.
type network struct {
	Name    string   `json:"name"`
	Backend string   `json:"backend"` // the plugin
	Gateway string   `json:"gateway,omitempty"`
	Runs    []member `json:"runs"`
}

// member is a run's place on a network.
type member struct {
	ID      string      `json:"id"`
	Name    string      `json:"name,omitempty"`
	Address string      `json:"address"`
	MAC     string      `json:"mac,omitempty"`
	Ports   []published `json:"ports,omitempty"`
}

func newNet() *cobra.Command {
	cmd := &cobra.Command{Use: "net", Short: "Show networks and the runs on them, check them, and time them", Args: cobra.NoArgs}
	cmd.AddCommand(newNetList(), newNetInspect(), newNetCheck(), newNetBench())
	return cmd
}

func newNetList() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "ls", Short: "List the networks that runs are on", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return withNetworks(func(all []network) error { return printNetworks(cmd.OutOrStdout(), all, asJSON) })
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func newNetInspect() *cobra.Command {
	return &cobra.Command{
		Use: "inspect NETWORK", Short: "Show a network as JSON: its backend, and who is on it", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return withNetworks(func(all []network) error {
				for _, n := range all {
					if n.Name == args[0] {
						return printJSON(cmd.OutOrStdout(), n)
					}
				}
				return &ns.Diagnostic{Summary: "no live run is on a network called " + args[0], Hint: "nsctl net ls lists those that have runs"}
			})
		},
	}
}

// withNetworks calls f with the networks of all live runs.
func withNetworks(f func([]network) error) error {
	return withSession(nil, func(s *session) error {
		runs, err := s.Base.List()
		if err != nil {
			return err
		}
		return f(networksOf(alive(runs, false)))
	})
}

// networksOf gathers the runs by network, both in the order of names.
func networksOf(runs []journal.Entry) []network {
	all := []network{}
	for _, r := range runs {
		backend := netOwner(r)
		said := r.Results[backend]
		name := cmp.Or(said["network"], backend)
		if name == "" {
			continue
		}
		i := slices.IndexFunc(all, func(n network) bool { return n.Name == name && n.Backend == backend })
		if i < 0 {
			i = len(all)
			all = append(all, network{Name: name, Backend: backend, Gateway: said["gateway"]})
		}
		all[i].Runs = append(all[i].Runs, member{r.Header.ID, r.Header.Name, said["address"], said["mac"], portsOf(r)})
	}
	for _, n := range all {
		slices.SortFunc(n.Runs, func(a, b member) int { return cmp.Compare(cmp.Or(a.Name, a.ID), cmp.Or(b.Name, b.ID)) })
	}
	slices.SortFunc(all, func(a, b network) int { return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Backend, b.Backend)) })
	return all
}

func printNetworks(w io.Writer, all []network, asJSON bool) error {
	if asJSON {
		return printJSON(w, all)
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "NETWORK\tBACKEND\tGATEWAY\tRUNS")
	for _, n := range all {
		var runs []string
		for _, m := range n.Runs {
			runs = append(runs, cmp.Or(m.Name, m.ID)+"="+strings.ReplaceAll(m.Address, " ", ","))
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\n", n.Name, n.Backend, dash(n.Gateway), strings.Join(runs, " "))
	}
	return t.Flush()
}
