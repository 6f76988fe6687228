// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/nsrun/nsrun/core"
	"github.com/nsrun/nsrun/core/journal"
	"github.com/nsrun/nsrun/internal/procfs"
	"github.com/nsrun/nsrun/ns"
	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"
)

func newExec() *cobra.Command {
	g := &core.Guest{}
	cmd := &cobra.Command{
		Use: "exec [flags] RUN [--] COMMAND [ARGUMENT...]", Short: "Execute a command in a run, held as the run's own command is",
		Long: `Execute a command in a run: in all its namespaces, with its capabilities, its
system call filter, its Landlock rules and its resource limits.

The environment is the caller's, with what the run's plugins set. The exit
status is the command's, or 125 if it was never executed, 126 if it can't be,
127 if it wasn't found.`,
		Args: cobra.MinimumNArgs(2),
		RunE: func(_ *cobra.Command, args []string) error {
			g.Argv = args[1:]
			if g.Argv[0] == "--" {
				g.Argv = g.Argv[1:]
			}
			code := core.ExitFailed
			err := withSession(nil, func(s *session) (err error) {
				code, err = execIn(s, args[0], g)
				return err
			})
			return &exitStatus{code, err}
		},
	}
	cmd.Flags().SetInterspersed(false)
	cmd.Flags().StringArrayVarP(&g.Env, "env", "e", nil, "set a variable (KEY=VALUE), or pass on the caller's (KEY)")
	cmd.Flags().StringVarP(&g.Dir, "chdir", "w", "", "working directory, as the run sees it (default: the caller's, if it exists inside)")
	cmd.Flags().BoolVarP(&g.TTY, "tty", "t", false, "give the command a terminal of its own (default: where the run's own command has one)")
	cmd.Flags().StringVar(&g.User, "user", "", "execute as UID[:GID] (default: as the run's own command)")
	return cmd
}

// exitStatus is the status to exit with, of a command that was executed or an
// error that was told.
type exitStatus struct {
	code int
	err  error
}

// Error returns what went wrong, if anything.
func (e *exitStatus) Error() string {
	if e.err == nil {
		return fmt.Sprintf("exit status %d", e.code)
	}
	return e.err.Error()
}

// Unwrap returns the error.
func (e *exitStatus) Unwrap() error { return e.err }

// execIn returns the status to exit with, and an error if the command was never
// executed.
func execIn(s *session, name string, g *core.Guest) (int, error) {
	run, fd, err := holdRun(s.Base, name)
	if err != nil {
		return core.ExitFailed, err
	}
	defer unix.Close(fd)
	g.Run, g.Target = run, fd
	return s.Join(g)
}

// holdRun returns a run of the caller's and a descriptor of its first process.
// The journal lies in a directory that nobody else can write to, and a process
// id can be used again; so what it says is compared with the process once that
// is held, while the run's nsrun, who alone can reap it, is alive.
func holdRun(base *journal.Base, name string) (journal.Entry, int, error) {
	run, err := findRun(base, name)
	if err != nil {
		return run, -1, err
	}
	if run.Header.UID != os.Geteuid() {
		return run, -1, refusal(run, fmt.Sprintf("it is a run of user %d", run.Header.UID))
	}
	fd, err := unix.PidfdOpen(run.Child, 0)
	if run.Child == 0 || err != nil {
		return run, -1, refusal(run, "its first process isn't there")
	}
	again, err := findRun(base, run.Header.ID)
	if err == nil && (again.Child != run.Child || procfs.Parent(run.Child) != run.Header.PID) {
		err = refusal(run, fmt.Sprintf("process %d is not a child of its nsrun, process %d", run.Child, run.Header.PID))
	}
	if err != nil {
		unix.Close(fd)
		return run, -1, err
	}
	return again, fd, nil
}

func refusal(run journal.Entry, why string) error {
	return &ns.Diagnostic{Summary: "join run " + run.Header.ID + ": refused", Detail: why, Hint: "nsctl ps lists the runs that are alive"}
}

// statusOf returns the status to exit with after err, and what of it to tell.
func statusOf(err error) (int, error) {
	var exit *exitStatus
	if errors.As(err, &exit) {
		return exit.code, exit.err
	}
	return 1, err
}
