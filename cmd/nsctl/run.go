// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/nsrun/nsrun/core/journal"
	"github.com/nsrun/nsrun/ns"
	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"
)

// minPrefix is how much of an id stands for a run. With less, a script that waits
// for its run "b" would soon meet another whose id begins so.
const minPrefix = 4

// findRun returns the live run that has the id or name, or the only one whose id
// starts with it, if that is four digits or more.
func findRun(base *journal.Base, name string) (journal.Entry, error) {
	run, found, err := single(base, name, true)
	if err == nil && found != 1 {
		err = &ns.Diagnostic{Summary: fmt.Sprintf("%d live runs are called %s", found, name), Hint: "nsctl ps lists the runs that are alive"}
	}
	return run, err
}

// findDead returns the run that name means, as with findRun, whose nsrun was killed.
func findDead(base *journal.Base, name string) (journal.Entry, error) {
	run, found, err := single(base, name, false)
	if err != nil || found == 1 {
		return run, err
	}
	if _, err := findRun(base, name); err == nil {
		return run, &ns.Diagnostic{Summary: "run " + name + " is alive", Hint: "nsctl kill " + name}
	}
	return run, &ns.Diagnostic{Summary: fmt.Sprintf("%d runs whose nsrun was killed are called %s", found, name), Hint: "nsctl ps -a lists them"}
}

// single returns the only run, alive or not, that name means, and how many it means.
func single(base *journal.Base, name string, alive bool) (run journal.Entry, found int, err error) {
	runs, err := base.List()
	if err != nil {
		return run, 0, err
	}
	runs = called(slices.DeleteFunc(runs, func(r journal.Entry) bool { return r.Alive != alive }), name)
	if len(runs) == 1 {
		run = runs[0]
	}
	return run, len(runs), nil
}

// called returns the run that has the id or name, or those whose id starts with it.
func called(runs []journal.Entry, name string) (found []journal.Entry) {
	for _, r := range runs {
		if r.Header.Name == name || r.Header.ID == name {
			return []journal.Entry{r}
		}
		if len(name) >= minPrefix && strings.HasPrefix(r.Header.ID, name) {
			found = append(found, r)
		}
	}
	return found
}

func newKill() *cobra.Command {
	var signal string
	cmd := &cobra.Command{
		Use: "kill RUN...", Short: "Send a signal to runs, which they pass on to their commands",
		Args: cobra.MinimumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			sig, err := parseSignal(signal)
			if err != nil {
				return err
			}
			return withSession(nil, func(s *session) error {
				for _, name := range args {
					if err := killRun(s.Base, name, sig); err != nil {
						return err
					}
				}
				return nil
			})
		},
	}
	cmd.Flags().StringVarP(&signal, "signal", "s", "TERM", "the signal, by name or number")
	return cmd
}

func parseSignal(name string) (unix.Signal, error) {
	upper := strings.ToUpper(name)
	if sig := unix.SignalNum("SIG" + strings.TrimPrefix(upper, "SIG")); sig != 0 {
		return sig, nil
	}
	var n int
	if _, err := fmt.Sscanf(name, "%d", &n); err == nil && n > 0 && n <= 64 {
		return unix.Signal(n), nil
	}
	return 0, &ns.Diagnostic{Option: "signal", Summary: fmt.Sprintf("--signal: %q is no signal", name), Hint: "--signal TERM, or a number from 1 to 64"}
}

// killRun signals the sandbox's first process. A signal that can't be caught
// must reach it rather than nsrun, which then still cleans up.
func killRun(base *journal.Base, name string, sig unix.Signal) error {
	run, err := findRun(base, name)
	if err != nil {
		return err
	}
	if run.Child == 0 {
		return &ns.Diagnostic{Summary: "run " + name + " has not started its command yet", Hint: "nsctl ps"}
	}
	fd, err := unix.PidfdOpen(run.Child, 0)
	if err != nil {
		return &ns.Diagnostic{Summary: fmt.Sprintf("run %s: pidfd_open %d: %v", name, run.Child, err), Hint: "nsctl ps"}
	}
	defer unix.Close(fd)
	// The run is still alive now that we hold its process, so the process is the
	// one that the journal speaks of.
	if again, err := findRun(base, run.Header.ID); err != nil || again.Child != run.Child {
		return err
	}
	return unix.PidfdSendSignal(fd, sig, nil, 0)
}
